"""A version that cannot hang scores on the event loop while that is short; everything else is done in threads."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

import numpy as np
import pytest

from feature_repo.definition import Columns
from lifecycle.breaker import BreakerState
from lifecycle.plan import TrafficPlan
from serving.tiers import at_once
from serving.tiers.breakers import FEATURES
from tests.serving.conftest import MODEL, Bench, Found, flight
from tests.serving.rollout.trials import put

CHAMPION = "2"
PLAN = TrafficPlan(MODEL, 2, CHAMPION, "1")


class Watched:
    """A bench whose champion notes in which thread it scores; it may compute some `seconds` longer than it needs."""

    def __init__(self, bench: Bench, *, bounded: bool = True, kept: bool = True) -> None:
        self.seconds = 0.0
        self._bench = bench
        self._threads: list[threading.Thread] = []
        bench.shelf.kept = kept
        put(bench, PLAN)
        arms = bench.stand_up._arms[MODEL]
        arm = arms[CHAMPION]
        self._score = arm.predictor.predict
        assert arm.predictor.bounded
        arms[CHAMPION] = replace(arm, predictor=replace(arm.predictor, predict=self, bounded=bounded))
        put(bench, PLAN)

    def __call__(self, matrix: np.ndarray) -> np.ndarray:
        """Score as the version does."""
        self._threads.append(threading.current_thread())
        until = time.thread_time() + self.seconds
        while time.thread_time() < until:
            pass
        return self._score(matrix)

    def ask(self, n_rows: int = 1) -> bool:
        """Return whether the version answers a request of so many rows on the event loop."""
        self._threads.clear()
        answer = self._bench.predict(*[flight(flight=number + 1) for number in range(n_rows)])
        assert answer.status_code == HTTPStatus.OK, answer.text
        assert {one["tier"] for one in answer.json()["predictions"]} == {"model"}
        (thread,) = self._threads
        return thread is threading.main_thread()


def test_trees_with_features_in_memory_need_no_thread(make_bench: Callable[..., Bench]) -> None:
    """Their answers are in the log as any other's."""
    bench = make_bench()
    assert Watched(bench).ask()
    (row,) = bench.log.rows()
    assert (row["version"], row["tier"], row["outcome"]) == (CHAMPION, "model", "answered")


def test_store_is_asked_in_a_thread(make_bench: Callable[..., Bench]) -> None:
    """It may hang, whatever the version is."""
    assert not Watched(make_bench(), kept=False).ask()


def test_version_that_may_hang_scores_in_a_thread(make_bench: Callable[..., Bench]) -> None:
    """Features in memory make no difference to that."""
    assert not Watched(make_bench(), bounded=False).ask()


def test_large_batch_scores_in_a_thread(make_bench: Callable[..., Bench]) -> None:
    """Its size is known before anybody waits for it."""
    watched = Watched(make_bench())
    assert watched.ask(at_once.MOST_ROWS)
    assert not watched.ask(at_once.MOST_ROWS + 1)


def test_version_that_takes_long_scores_in_threads_for_a_while(
    make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is tried again on the event loop after that."""
    monkeypatch.setattr(at_once, "LONGEST_SECONDS", 0.2)
    monkeypatch.setattr(at_once, "FIRST_PAUSE_SECONDS", 0.6)
    monkeypatch.setattr(at_once, "LONGEST_PAUSE_SECONDS", 60.0)
    watched = Watched(make_bench())
    watched.seconds = 0.3
    assert watched.ask()
    assert not watched.ask()
    time.sleep(0.6)
    # Still slow: it pays double for the second time.
    assert watched.ask()
    time.sleep(0.6)
    watched.seconds = 0.0
    assert not watched.ask()
    time.sleep(0.6)
    assert watched.ask()
    assert watched.ask()


def test_memory_says_nothing_of_the_store(make_bench: Callable[..., Bench]) -> None:
    """Answers from memory do not close the breaker of a store that failed."""
    bench = make_bench()
    watched = Watched(bench)
    breaker = bench.stand_up.breakers.of(MODEL, FEATURES)

    def state() -> BreakerState:
        return breaker.state

    served = bench.models.find(MODEL)
    assert served is not None
    policy = served.policy.tiers.breaker.model_copy(update={"cool_down_seconds": 0.0})
    for _ in range(policy.failures):
        breaker.failed("it is away", policy)
    assert state() is BreakerState.OPEN
    assert breaker.allows(policy)
    assert state() is BreakerState.HALF_OPEN
    breaker.nothing_learned()
    breaker._monotonic = lambda: time.monotonic() + 3600
    assert watched.ask()
    assert state() is BreakerState.HALF_OPEN
    bench.shelf.kept = False
    watched.ask()
    assert state() is BreakerState.CLOSED


def test_odd_request_is_found_out_by_the_thread(
    make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be recalled for whatever reason is read as before."""
    bench = make_bench()
    watched = Watched(bench)

    def odd(_: Columns) -> Found:
        raise ValueError("nobody thought of this")

    monkeypatch.setattr(bench.shelf, "recall", odd)
    assert not watched.ask()
