"""A version that hangs on the event loop: found, told, logged, and ended with its process."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import httpx
import numpy as np
import pytest

from lifecycle.assignment import Arm
from lifecycle.errors import Unavailable
from serving import watchdog
from serving.at_work import AtWork, Scoring
from serving.prepared import Prepared
from serving.pulse import Pulse
from serving.shadow.waiting import CoreUse
from serving.stage import Stage
from serving.watchdog import FOLLOW_SECONDS, GRACE_SECONDS, HANG_SECONDS, TICK_SECONDS, Watchdog
from tests.serving.conftest import MODEL, Bench, flight
from tests.serving.rollout.trials import CANARY, CHAMPION, Hanging, fails, plan, put, put_with, rows_in

EDGE = 2 * TICK_SECONDS
"""A hang begins and ends between two ticks."""


@dataclass
class Kennel:
    """A watchdog whose clock, cores and process are the test's."""

    at_work: AtWork = field(default_factory=AtWork)
    now: float = 1000.0
    wanted: bool = False
    used: float = 0.0
    told: list[str] = field(default_factory=list)
    recorded: list[tuple[str, float]] = field(default_factory=list)
    ended_at: list[float] = field(default_factory=list)
    follows: bool = False
    tell: Callable[[str], object] = lambda _: None
    refuses: bool = False

    def dog(self) -> Watchdog:
        """Return the watchdog."""
        return Watchdog(
            self.at_work,
            use=lambda: CoreUse(self.wanted, self.used),
            told=self._tell,
            follows=lambda *_: self.follows,
            record=self._record,
            end=lambda: self.ended_at.append(self.now),
            monotonic=lambda: self.now,
        )

    def watch(self, dog: Watchdog, seconds: float, share_of_core: float = 0.0) -> None:
        """Tick on time for some seconds, in which the event loop's thread has a share of a core."""
        for _ in range(round(seconds / TICK_SECONDS)):
            self.now += TICK_SECONDS
            self.used += share_of_core * TICK_SECONDS
            dog.tick()

    def _tell(self, model: str) -> None:
        self.told.append(model)
        self.tell(model)

    def _record(self, _: Stage, prepared: Prepared, reason: str, seconds: float) -> None:
        self.recorded.append((f"{len(prepared.matrix)} rows {reason}", seconds))
        if self.refuses:
            raise Unavailable("no space left on device")


@pytest.fixture
def kennel() -> Kennel:
    """Return a kennel."""
    return Kennel()


@pytest.fixture
def scoring(bench: Bench) -> Scoring:
    """Return the scoring of two rows as the event loop shows it."""
    seen: list[Scoring | None] = []

    def look(matrix: np.ndarray) -> np.ndarray:
        seen.append(bench.stand_up.at_work.scoring)
        return np.full(len(matrix), 0.5)

    put_with(bench, CHAMPION, look, share=0.1)
    seen.clear()
    bench.predict(flight(), flight(flight=2))
    (shown,) = seen
    assert shown is not None
    assert bench.stand_up.at_work.scoring is None
    return shown


def test_champion_that_answers_in_a_canarys_place_is_seen_at_work(bench: Bench) -> None:
    """That, too, is on the event loop."""
    put_with(bench, CANARY, fails)
    (row,) = rows_in(bench, Arm.CANARY, 1)
    arms = bench.stand_up._arms[MODEL]
    seen: list[str] = []

    def look(matrix: np.ndarray) -> np.ndarray:
        shown = bench.stand_up.at_work.scoring
        seen.append("" if shown is None else shown[0].version)
        return np.full(len(matrix), 0.5)

    arms[CHAMPION] = replace(arms[CHAMPION], predictor=replace(arms[CHAMPION].predictor, predict=look))
    put(bench, plan())
    seen.clear()
    assert bench.predict(row).json()["version"] == CHAMPION
    assert seen == [CHAMPION]
    assert bench.stand_up.at_work.scoring is None


def again(scoring: Scoring) -> Scoring:
    """Return another scoring of the same rows."""
    stage, prepared = scoring
    return stage, prepared


def test_scoring_that_stands_is_a_hang_after_its_time_and_told_once(kennel: Kennel, scoring: Scoring) -> None:
    """By version and number of rows, for the built-in rule to act on."""
    dog = kennel.dog()
    kennel.at_work.scoring = scoring
    kennel.watch(dog, HANG_SECONDS - EDGE)
    assert kennel.at_work.hung(MODEL) == {}
    kennel.watch(dog, 2 * EDGE)
    kennel.watch(dog, EDGE)
    assert set(kennel.at_work.hung(MODEL)) == {CHAMPION}
    assert kennel.at_work.hung(MODEL)[CHAMPION].startswith("hung: 2 rows without scores after 5.0 s; 5 s are allowed")
    assert kennel.at_work.hung("another") == {}
    assert kennel.told == [MODEL]
    assert kennel.ended_at == []


def test_many_short_scorings_of_the_same_rows_are_no_hang(kennel: Kennel, scoring: Scoring) -> None:
    """A busy event loop is always seen at work."""
    dog = kennel.dog()
    for _ in range(100):
        kennel.at_work.scoring = again(scoring)
        kennel.watch(dog, TICK_SECONDS)
    assert kennel.told == []


def test_process_that_was_suspended_has_not_hung(kennel: Kennel, scoring: Scoring) -> None:
    """Only ticks that came on time count."""
    dog = kennel.dog()
    kennel.at_work.scoring = scoring
    for _ in range(20):
        kennel.watch(dog, TICK_SECONDS)
        kennel.now += 60.0
        dog.tick()
    assert kennel.told == []


def test_scoring_that_is_not_given_a_core_has_not_hung(kennel: Kennel, scoring: Scoring) -> None:
    """A starved machine takes long over everything: what counts is what the thread computed."""
    dog = kennel.dog()
    kennel.at_work.scoring, kennel.wanted = scoring, True
    kennel.watch(dog, 8 * HANG_SECONDS, share_of_core=0.1)
    assert kennel.told == []
    kennel.watch(dog, HANG_SECONDS, share_of_core=1.0)
    assert kennel.told == [MODEL]


def test_hung_process_ends_a_moment_after_a_newer_plan_is_followed(kennel: Kennel, scoring: Scoring) -> None:
    """The others follow it by then, and its request is replayed to one of them; its rows are on record."""
    dog = kennel.dog()
    kennel.at_work.scoring = scoring
    kennel.watch(dog, HANG_SECONDS + EDGE)
    kennel.follows, followed_at = True, kennel.now
    kennel.watch(dog, FOLLOW_SECONDS + EDGE)
    assert kennel.ended_at[0] - followed_at <= FOLLOW_SECONDS + TICK_SECONDS
    assert kennel.ended_at[0] - followed_at >= FOLLOW_SECONDS
    said, seconds = kennel.recorded[0]
    assert said.startswith("2 rows hung: 2 rows without scores")
    assert seconds == pytest.approx(HANG_SECONDS + FOLLOW_SECONDS, abs=2 * EDGE)


@pytest.mark.parametrize("refuses", [False, True])
def test_hung_process_ends_when_time_is_up_whatever_ledger_and_disk_do(
    kennel: Kennel, scoring: Scoring, *, refuses: bool
) -> None:
    """A ledger that never comes back from being told, and a log that takes nothing, keep no hang alive."""
    let_go = threading.Event()
    kennel.tell = lambda _: let_go.wait(30)
    kennel.refuses = refuses
    dog = kennel.dog()
    kennel.at_work.scoring = scoring
    kennel.watch(dog, HANG_SECONDS + EDGE)
    found_at = kennel.now
    kennel.watch(dog, GRACE_SECONDS - 2 * EDGE)
    assert kennel.ended_at == []
    kennel.watch(dog, 3 * EDGE)
    let_go.set()
    assert kennel.ended_at[0] - found_at <= GRACE_SECONDS + EDGE


def test_scoring_that_comes_back_ends_nothing_but_has_been_told(kennel: Kennel, scoring: Scoring) -> None:
    """It is said for as long as those who judge take to look, and then no more."""
    dog = kennel.dog()
    kennel.at_work.scoring = scoring
    kennel.watch(dog, HANG_SECONDS + EDGE)
    kennel.at_work.scoring = None
    kennel.watch(dog, GRACE_SECONDS - 2 * EDGE)
    assert set(kennel.at_work.hung(MODEL)) == {CHAMPION}
    kennel.watch(dog, 2 * EDGE)
    assert kennel.at_work.hung(MODEL) == {}
    assert (kennel.ended_at, kennel.recorded) == ([], [])


def test_second_hang_just_after_one_that_came_back_has_its_own_time(kennel: Kennel, scoring: Scoring) -> None:
    """It is not ended by the clock of the first."""
    dog = kennel.dog()
    kennel.at_work.scoring = scoring
    kennel.watch(dog, HANG_SECONDS + EDGE)
    kennel.at_work.scoring = again(scoring)
    kennel.watch(dog, HANG_SECONDS - EDGE)
    assert kennel.ended_at == []
    kennel.watch(dog, GRACE_SECONDS)
    assert (kennel.told, kennel.ended_at) == ([MODEL, MODEL], [])
    kennel.watch(dog, 2 * EDGE)
    assert kennel.ended_at != []


def test_request_that_hangs_is_seen_told_and_logged_while_the_event_loop_stands(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole of it on a real event loop, with shorter times; the end lets the version go instead of dying."""
    for name, seconds in {"TICK_SECONDS": 0.05, "HANG_SECONDS": 0.3, "GRACE_SECONDS": 0.6}.items():
        monkeypatch.setattr(watchdog, name, seconds)
    monkeypatch.setattr("serving.pulse.STILL_SECONDS", 0.4)
    hanging = Hanging()
    put_with(bench, CHAMPION, hanging, share=0.1)
    at_work = bench.stand_up.at_work
    pulse = Pulse(at_work)
    told: list[str] = []
    troubles: list[str | None] = []

    def end() -> None:
        troubles.append(pulse.trouble())
        hanging.let_go.set()

    dog = Watchdog(at_work, use=pulse.use, told=told.append, follows=lambda *_: False, end=end)

    async def served() -> tuple[str | None, str | None]:
        pulse.start()
        await asyncio.sleep(0.5)
        before = pulse.trouble()
        await asyncio.to_thread(dog.start)
        await _ask(bench)
        await asyncio.sleep(0.3)
        after = pulse.trouble()
        pulse.stop()
        return before, after

    began = time.monotonic()
    assert asyncio.run(served()) == (None, None)
    dog.stop()
    assert time.monotonic() - began < 20
    assert told == [MODEL]
    assert troubles[0] is not None
    assert troubles[0].endswith(f"while version {CHAMPION} of {MODEL} scores")
    failed = [row for row in bench.log.rows() if row["outcome"] == "failed"]
    assert [(row["version"], row["arm"], row["shown"], row["request_id"]) for row in failed] == [
        (CHAMPION, "champion", True, "odd")
    ]
    assert failed[0]["error"].startswith("hung: 1 row without scores")


async def _ask(bench: Bench) -> None:
    transport = httpx.ASGITransport(bench.application)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        path = f"/v2/models/{MODEL}/versions/{CHAMPION}/predict"
        await client.post(path, json={"rows": [flight()]}, headers={"x-request-id": "odd"})
