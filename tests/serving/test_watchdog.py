"""A version that hangs in a thread: found, told once, and forgotten when it comes back."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import numpy as np
import pytest

from serving import watchdog
from serving.at_work import AtWork, Scoring
from serving.shadow.waiting import CoreUse
from serving.watchdog import GRACE_SECONDS, HANG_SECONDS, TICK_SECONDS, Watchdog
from tests.serving.conftest import MODEL, Bench, flight
from tests.serving.rollout.trials import CHAMPION, PREDICT, SHORT_MS, Hanging, put_with

EDGE = 2 * TICK_SECONDS
"""A hang begins and ends between two ticks."""
THREAD, OTHER = 2**30, 2**30 + 1
"""Numbers that no thread has."""


@dataclass
class Kennel:
    """A watchdog whose clock and cores are the test's."""

    at_work: AtWork = field(default_factory=AtWork)
    now: float = 1000.0
    wanted: bool = False
    used: float = 0.0
    told: list[str] = field(default_factory=list)
    tell: Callable[[str], object] = lambda _: None

    def dog(self) -> Watchdog:
        """Return the watchdog."""
        return Watchdog(
            self.at_work,
            use=lambda _: CoreUse(self.wanted, self.used),
            told=self._tell,
            monotonic=lambda: self.now,
        )

    def watch(self, dog: Watchdog, seconds: float, share_of_core: float = 0.0) -> None:
        """Tick on time for some seconds, in which the scoring thread has a share of a core."""
        for _ in range(round(seconds / TICK_SECONDS)):
            self.now += TICK_SECONDS
            self.used += share_of_core * TICK_SECONDS
            dog.tick()

    def _tell(self, model: str) -> None:
        self.told.append(model)
        self.tell(model)


@pytest.fixture
def kennel() -> Kennel:
    """Return a kennel."""
    return Kennel()


@pytest.fixture
def scoring(bench: Bench) -> Scoring:
    """Return the scoring of two rows as its thread shows it."""
    seen: list[Scoring] = []

    def look(matrix: np.ndarray) -> np.ndarray:
        seen.extend(bench.stand_up.at_work.scorings.values())
        return np.full(len(matrix), 0.5)

    put_with(bench, CHAMPION, look, share=0.1)
    seen.clear()
    bench.ask("POST", f"/v2/models/{MODEL}/versions/{CHAMPION}/predict", json={"rows": [flight(), flight(flight=2)]})
    (shown,) = seen
    assert bench.stand_up.at_work.scorings == {}
    return shown


def again(scoring: Scoring) -> Scoring:
    """Return another scoring of the same rows."""
    stage, prepared = scoring
    return stage, prepared


def test_scoring_that_stands_is_a_hang_after_its_time_and_told_once(kennel: Kennel, scoring: Scoring) -> None:
    """By version and number of rows, for the built-in rule to act on."""
    dog = kennel.dog()
    kennel.at_work.scorings[THREAD] = scoring
    kennel.watch(dog, HANG_SECONDS - EDGE)
    assert kennel.at_work.hung(MODEL) == {}
    kennel.watch(dog, 2 * EDGE)
    kennel.watch(dog, EDGE)
    assert set(kennel.at_work.hung(MODEL)) == {CHAMPION}
    assert kennel.at_work.hung(MODEL)[CHAMPION].startswith("hung: 2 rows without scores after 5.0 s; 5 s are allowed")
    assert kennel.at_work.hung("another") == {}
    assert kennel.told == [MODEL]


def test_many_short_scorings_of_the_same_rows_are_no_hang(kennel: Kennel, scoring: Scoring) -> None:
    """A busy thread is always seen at work."""
    dog = kennel.dog()
    for _ in range(100):
        kennel.at_work.scorings[THREAD] = again(scoring)
        kennel.watch(dog, TICK_SECONDS)
    assert kennel.told == []


def test_process_that_was_suspended_has_not_hung(kennel: Kennel, scoring: Scoring) -> None:
    """Only ticks that came on time count."""
    dog = kennel.dog()
    kennel.at_work.scorings[THREAD] = scoring
    for _ in range(20):
        kennel.watch(dog, TICK_SECONDS)
        kennel.now += 60.0
        dog.tick()
    assert kennel.told == []


def test_scoring_that_is_not_given_a_core_has_not_hung(kennel: Kennel, scoring: Scoring) -> None:
    """A starved machine takes long over everything: what counts is what the thread computed."""
    dog = kennel.dog()
    kennel.at_work.scorings[THREAD], kennel.wanted = scoring, True
    kennel.watch(dog, 8 * HANG_SECONDS, share_of_core=0.1)
    assert kennel.told == []
    kennel.watch(dog, HANG_SECONDS, share_of_core=1.0)
    assert kennel.told == [MODEL]


def test_scoring_that_comes_back_is_told_for_a_while_and_then_no_more(kennel: Kennel, scoring: Scoring) -> None:
    """It is said for as long as those who judge take to look."""
    dog = kennel.dog()
    kennel.at_work.scorings[THREAD] = scoring
    kennel.watch(dog, HANG_SECONDS + EDGE)
    del kennel.at_work.scorings[THREAD]
    kennel.watch(dog, GRACE_SECONDS - EDGE)
    assert set(kennel.at_work.hung(MODEL)) == {CHAMPION}
    kennel.watch(dog, 2 * EDGE)
    assert kennel.at_work.hung(MODEL) == {}


def test_hangs_of_two_threads_are_told_and_forgotten_each_by_itself(kennel: Kennel, scoring: Scoring) -> None:
    """One that comes back does not take the other's word with it."""
    dog = kennel.dog()
    kennel.at_work.scorings.update({THREAD: scoring, OTHER: again(scoring)})
    kennel.watch(dog, HANG_SECONDS + EDGE)
    assert kennel.told == [MODEL, MODEL]
    del kennel.at_work.scorings[THREAD]
    kennel.watch(dog, GRACE_SECONDS + EDGE)
    assert set(kennel.at_work.hung(MODEL)) == {CHAMPION}
    kennel.watch(dog, 4 * GRACE_SECONDS)
    assert set(kennel.at_work.hung(MODEL)) == {CHAMPION}


def test_ledger_that_does_not_come_back_holds_nothing_up(kennel: Kennel, scoring: Scoring) -> None:
    """It is told in a thread of its own."""
    let_go = threading.Event()
    kennel.tell = lambda _: let_go.wait(30)
    dog = kennel.dog()
    kennel.at_work.scorings[THREAD] = scoring
    kennel.watch(dog, HANG_SECONDS + EDGE)
    assert set(kennel.at_work.hung(MODEL)) == {CHAMPION}
    let_go.set()


def test_champion_that_hangs_is_seen_told_and_answered_for(
    make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole of it on a real event loop, with shorter times."""
    for name, seconds in {"TICK_SECONDS": 0.05, "HANG_SECONDS": 0.3}.items():
        monkeypatch.setattr(watchdog, name, seconds)
    bench, hanging, told = make_bench(champion_ms=SHORT_MS), Hanging(), threading.Event()
    put_with(bench, CHAMPION, hanging, share=0.01)
    dog = Watchdog(bench.stand_up.at_work, told=lambda _: told.set())

    async def served() -> httpx.Response:
        transport = httpx.ASGITransport(bench.application)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.post(PREDICT, json={"rows": [flight()]})

    dog.start()
    answer = asyncio.run(served())
    assert told.wait(10)
    dog.stop()
    hanging.let_go.set()
    assert answer.json()["predictions"][0]["tier"] == "rule"
    assert bench.stand_up.at_work.hung(MODEL)[CHAMPION].startswith("hung: 1 row without scores")
    failed = [row for row in bench.log.rows() if row["outcome"] == "failed"]
    assert {row["version"] for row in failed} == {CHAMPION}
