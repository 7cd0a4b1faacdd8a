"""Whatever the champion does, every request is answered in time, and the answer and the log say by whom."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from lifecycle.assignment import Arm
from lifecycle.breaker import BreakerState
from lifecycle.plan import TrafficPlan
from serving.tiers.breakers import FEATURES
from tests.serving.conftest import MODEL, Bench, flight
from tests.serving.rollout.trials import PREDICT, Hanging, fails, plan, put, rows_in

CHAMPION, PREVIOUS = "2", "1"
CHAMPION_MS = 200.0
Predict = Callable[[np.ndarray], np.ndarray]


@dataclass
class Model:
    """A bench on two versions, each of which does what a test wants."""

    bench: Bench

    def does(self, version: str, predict: Predict | None, small: Predict | None = None) -> None:
        """Let a version score like this from now on, and have a small model that does."""
        plan = TrafficPlan(MODEL, 2, CHAMPION, PREVIOUS)
        put(self.bench, plan)
        arms = self.bench.stand_up._arms[MODEL]
        arm = arms[version]
        if predict is not None:
            arm = replace(arm, predictor=replace(arm.predictor, predict=predict, bounded=False))
        if small is not None:
            arm = replace(arm, small=replace(arm.predictor, predict=small, bounded=False))
        arms[version] = arm
        put(self.bench, plan)

    def ask(self, **changes: Any) -> tuple[str, str]:
        """Return the tier and version that answer a request within the policy's deadline."""
        began = time.monotonic()
        answer = self.bench.predict(flight(**changes))
        assert answer.status_code == 200, answer.text
        assert time.monotonic() - began < 2.0
        (one,) = answer.json()["predictions"]
        return one["tier"], one["version"]

    def state(self, name: str) -> BreakerState:
        """Return the state of a breaker."""
        return self.bench.stand_up.breakers.of(MODEL, name).state


@dataclass
class Slow:
    """A version that takes so many seconds."""

    seconds: float
    calls: list[int] = field(default_factory=list)

    def __call__(self, matrix: np.ndarray) -> np.ndarray:
        """Return one half per row."""
        self.calls.append(len(matrix))
        time.sleep(self.seconds)
        return np.full(len(matrix), 0.5)


def nan(matrix: np.ndarray) -> np.ndarray:
    """Give no probability."""
    return np.full(len(matrix), np.nan)


def half(matrix: np.ndarray) -> np.ndarray:
    """Give one half per row."""
    return np.full(len(matrix), 0.5)


@pytest.fixture
def model(make_bench: Callable[..., Bench]) -> Model:
    """Return a model with short deadlines."""
    return Model(make_bench(champion_ms=CHAMPION_MS))


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    """Return a version that hangs until the test is over."""
    made = Hanging()
    yield made
    made.let_go.set()


@pytest.mark.parametrize("way", [fails, nan, lambda _: sys.exit(3), Slow(2 * CHAMPION_MS / 1000)])
def test_previous_champion_answers_for_one_that_fails(model: Model, way: Predict) -> None:
    """The caller sees no error; the attempt is on record beside the answer and counts against the champion."""
    model.does(CHAMPION, way)
    assert model.ask() == ("previous", PREVIOUS)
    shown, failed = model.bench.log.rows()
    assert (shown["version"], shown["arm"], shown["tier"], shown["shown"]) == (PREVIOUS, "previous", "previous", True)
    assert (failed["version"], failed["arm"], failed["outcome"], failed["shown"]) == (
        *(CHAMPION, "champion", "failed"),
        False,
    )
    assert failed["pairs_with"] == shown["prediction_id"]
    assert failed["error"]


def test_champion_that_hangs_is_answered_for_however_often_it_is_asked(model: Model, hanging: Hanging) -> None:
    """Its threads are lost one by one, and then nobody waits for it any more."""
    model.does(CHAMPION, hanging)
    for _ in range(8):
        assert model.ask() == ("previous", PREVIOUS)
    began = time.monotonic()
    assert model.ask() == ("previous", PREVIOUS)
    assert time.monotonic() - began < CHAMPION_MS / 1000


def test_tiers_follow_each_other_in_the_order_of_the_policy(model: Model) -> None:
    """Previous, small, rule; each only when those before it failed, and every failure is on record."""
    model.does(CHAMPION, fails, half)
    assert model.ask() == ("previous", PREVIOUS)
    model.does(PREVIOUS, fails)
    model.does(CHAMPION, fails, half)
    assert model.ask() == ("small", CHAMPION)
    model.does(CHAMPION, fails, nan)
    model.bench.log.batches.clear()
    assert model.ask() == ("rule", CHAMPION)
    assert [(row["tier"], row["version"], row["outcome"]) for row in model.bench.log.rows()] == [
        ("rule", CHAMPION, "answered"),
        ("model", CHAMPION, "failed"),
        ("previous", PREVIOUS, "failed"),
        ("small", CHAMPION, "failed"),
    ]


def test_version_that_fails_again_and_again_is_not_asked_until_it_has_cooled_down(model: Model) -> None:
    """Five failures open its breaker; its failures still count, and after the cool-down one batch tries it."""
    now = [100.0]
    model.bench.stand_up.breakers.monotonic = lambda: now[0]
    slow = Slow(0.0)
    model.does(CHAMPION, fails)
    for _ in range(5):
        model.ask()
    assert model.state(CHAMPION) is BreakerState.OPEN
    model.does(CHAMPION, slow)
    slow.calls.clear()
    assert model.ask() == ("previous", PREVIOUS)
    assert slow.calls == []
    last = model.bench.log.rows()[-1]
    assert (last["version"], last["outcome"]) == (CHAMPION, "failed")
    assert last["error"].startswith("not asked: version 2 is not asked after 5 failures in a row")
    assert "no carrier" in str(model.bench.stand_up.breakers.trouble(MODEL))
    now[0] += 5.0
    assert model.ask() == ("model", CHAMPION)
    assert model.state(CHAMPION) is BreakerState.CLOSED
    assert model.bench.stand_up.breakers.trouble(MODEL) is None


def test_one_bad_request_does_not_open_a_breaker(model: Model) -> None:
    """A batch in which somebody was answered is no failure of the version."""

    def odd(matrix: np.ndarray) -> np.ndarray:
        return np.where(matrix[:, 0] < 0, np.nan, 0.5)

    model.does(CHAMPION, odd)
    for _ in range(10):
        assert model.ask() == ("model", CHAMPION)
    assert model.state(CHAMPION) is BreakerState.CLOSED


def test_features_that_are_out_of_reach_leave_the_fixed_answer(model: Model) -> None:
    """It is logged with the features that were missing, and is no version's failure."""
    model.does(CHAMPION, half)
    model.bench.shelf.away = True
    assert model.ask()[0] == "static"
    (row,) = model.bench.log.rows()
    assert (row["outcome"], row["tier"], row["score"]) == ("answered", "static", 0.22)
    assert len(row["defaulted"]) > 20
    assert model.state(CHAMPION) is BreakerState.CLOSED


def test_features_that_hang_are_waited_for_five_times_and_then_no_more(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store's own breaker: while it is open, nobody waits, and no version is blamed."""
    model.does(CHAMPION, half)
    let_go = threading.Event()
    monkeypatch.setattr(model.bench.shelf, "read", lambda _: let_go.wait(30))
    for _ in range(5):
        assert model.ask()[0] == "static"
    assert model.state(FEATURES) is BreakerState.OPEN
    began = time.monotonic()
    assert model.ask()[0] == "static"
    assert time.monotonic() - began < CHAMPION_MS / 1000
    assert model.state(CHAMPION) is BreakerState.CLOSED
    assert {row["outcome"] for row in model.bench.log.rows()} == {"answered"}
    let_go.set()


def test_store_that_is_back_is_read_again_whatever_its_first_try_came_to(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A try that said nothing about the store, here by rows that nobody can prepare, is not its last one."""
    now = [100.0]
    model.bench.stand_up.breakers.monotonic = lambda: now[0]
    model.does(CHAMPION, half)
    model.bench.shelf.away = True
    for _ in range(5):
        model.ask()
    assert model.state(FEATURES) is BreakerState.OPEN
    model.bench.shelf.away = False
    now[0] += 5.0
    read = model.bench.shelf.read

    def odd(request: Any) -> Any:
        raise ZeroDivisionError(len(request))

    monkeypatch.setattr(model.bench.shelf, "read", odd)
    assert model.bench.predict(flight()).status_code == 500
    assert model.state(FEATURES) is BreakerState.HALF_OPEN
    monkeypatch.setattr(model.bench.shelf, "read", read)
    assert model.ask() == ("model", CHAMPION)
    assert model.state(FEATURES) is BreakerState.CLOSED


def test_request_that_waited_too_long_is_answered_at_once(model: Model) -> None:
    """Those that waited for a slow batch get what takes no time, within their own deadline."""
    policy = model.bench.stand_up.policy_of(MODEL)
    tiers = policy.tiers.model_copy(update={"deadline_ms": 150.0})
    model.bench.stand_up.policy_of = lambda _: policy.model_copy(
        update={"tiers": tiers, "serving": policy.serving.model_copy(update={"max_batch_rows": 1})}
    )
    model.does(CHAMPION, Slow(0.1))
    # Different ones: those alike would share one answer.
    answers = model.bench.ask_all([("POST", PREDICT, {"json": {"rows": [flight(flight=n)]}}) for n in range(1, 7)])
    assert [answer.status_code for answer in answers] == [200] * 6
    tiers_seen = [answer.json()["predictions"][0]["tier"] for answer in answers]
    assert tiers_seen[0] == "model"
    assert tiers_seen[-1] == "static"


def test_slow_features_are_not_held_against_a_canary_and_its_champion_waits_for_them(
    make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later than the canary's deadline, within the champion's: the champion answers, by them, and nobody failed."""
    bench = make_bench(deadline_ms=50.0)
    put(bench, plan())
    rows = rows_in(bench, Arm.CANARY, 1) + rows_in(bench, Arm.CONTROL, 1)
    read = bench.shelf.read

    def slowly(request: Any) -> Any:
        time.sleep(0.12)
        return read(request)

    monkeypatch.setattr(bench.shelf, "read", slowly)
    for row in rows:
        (one,) = bench.predict(row).json()["predictions"]
        assert (one["tier"], one["version"]) == ("model", "1")
    assert [row["outcome"] for row in bench.log.rows()] == ["answered"] * 2


def test_features_that_take_a_part_of_the_time_leave_the_version_its_own(
    make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Together they are beyond the deadline, and each is within it."""
    model = Model(make_bench(champion_ms=CHAMPION_MS))
    model.does(CHAMPION, Slow(0.6 * CHAMPION_MS / 1000))
    read = model.bench.shelf.read

    def slowly(request: Any) -> Any:
        time.sleep(0.6 * CHAMPION_MS / 1000)
        return read(request)

    monkeypatch.setattr(model.bench.shelf, "read", slowly)
    assert model.ask() == ("model", CHAMPION)
    (row,) = model.bench.log.rows()
    assert row["predict_us"] < CHAMPION_MS * 1000


def test_version_that_the_request_left_no_time_is_not_blamed(model: Model) -> None:
    """It had less than its own deadline: no failure is logged, and its breaker hears nothing."""
    policy = model.bench.stand_up.policy_of(MODEL)
    tiers = policy.tiers.model_copy(update={"deadline_ms": 100.0})
    model.bench.stand_up.policy_of = lambda _: policy.model_copy(update={"tiers": tiers})
    model.does(CHAMPION, Slow(0.15))
    assert model.ask()[0] == "static"
    assert [row["outcome"] for row in model.bench.log.rows()] == ["answered"]
    answer = model.bench.ask("POST", f"/v2/models/{MODEL}/versions/{CHAMPION}/predict", json={"rows": [flight()]})
    assert answer.status_code == 503
    assert "as long as it may take" in answer.json()["detail"]
