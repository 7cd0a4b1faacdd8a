"""One guard, by its clock and its baseline, without a gateway around it."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from lifecycle.breaker import BreakerState
from lifecycle.watching_policy import OutputsPolicy
from serving.outputs.guard import Guard
from serving.outputs.opening import Guarded, Opening, newest
from stores.prediction_log.schema import SCHEMA
from tests.lifecycle.scores import ids
from tests.serving.outputs.stopped import Hands, baseline, healthy

POLICY = OutputsPolicy(window_answers=50, false_alarm_every_days=365, cool_down_seconds=60, capture_rows=120)
RNG = np.random.default_rng(8)


def batch(names: Sequence[str]) -> pa.RecordBatch:
    """Return logged rows of these examples."""
    return pa.RecordBatch.from_pylist([{"example_id": name} for name in names], schema=SCHEMA)


class Watched:
    """A guard, its clock, what it was told to open, and examples that never come twice."""

    def __init__(self, *, baselined: bool = True) -> None:
        self.hands = Hands()
        self.opened: list[Opening] = []
        self.guard = Guard(
            Guarded("m", "1", "champion"),
            POLICY,
            replica="r",
            opened=self.opened.append,
            monotonic=self.hands.monotonic,
            now=self.hands.now,
        )
        self.count = 0
        if baselined:
            self.guard.judge_by(baseline().outputs, POLICY)

    def names(self, count: int) -> list[str]:
        """Return the next examples."""
        self.count += count
        return ids(count, self.count - count)

    def answer(self, count: int, *, constant: bool = False) -> None:
        """Let the version answer rows, ten at a time."""
        for _ in range(0, count, 10):
            names = self.names(10)
            self.guard.watch(names, np.full(10, 0.2) if constant else healthy(10, RNG), batch(names))

    def stop(self) -> None:
        """Let the version answer a constant until it is stopped."""
        self.answer(60, constant=True)
        assert not self.guard.closed

    def try_again(self, count: int, *, constant: bool = False) -> None:
        """Let the version score rows behind the answer."""
        for _ in range(0, count, 10):
            assert self.guard.wants_trial()
            self.guard.tried(self.names(10), np.full(10, 0.2) if constant else healthy(10, RNG))


def test_without_a_baseline_nothing_is_watched() -> None:
    """A stranger's version may answer what it likes until it is known what it is like."""
    watched = Watched(baselined=False)
    watched.answer(500, constant=True)
    assert watched.guard.closed
    assert not watched.guard.judged


def test_baseline_that_is_too_thin_is_said_once_and_nothing_is_watched() -> None:
    """Looking for it again would find the same."""
    watched = Watched(baselined=False)
    profile = baseline().outputs
    assert profile is not None
    watched.guard.judge_by(profile.model_copy(update={"rows": 500}), POLICY)
    watched.answer(500, constant=True)
    assert (watched.guard.closed, watched.guard.judged) == (True, True)


def test_capture_leaves_room_for_what_comes_after_the_moment() -> None:
    """Of 120 rows, as many as a window has come after it."""
    watched = Watched()
    watched.answer(400)
    watched.stop()
    (opening,) = watched.opened
    assert 60 <= opening.rows <= 70
    assert not opening.whole
    for _ in range(20):
        watched.guard.stood_in(batch(watched.names(10)))
    assert opening.whole
    assert 120 <= opening.rows < 130


def test_before_the_cool_down_is_over_the_version_is_not_tried() -> None:
    """Whatever made it answer nonsense gets its time."""
    watched = Watched()
    watched.stop()
    watched.hands.seconds += 59.9
    assert not watched.guard.wants_trial()
    watched.hands.seconds += 0.2
    assert watched.guard.wants_trial()
    assert watched.guard.breaker.state is BreakerState.HALF_OPEN


def test_one_trial_at_a_time() -> None:
    """Behind the answers the version has one thread, and users do not wait for it."""
    watched = Watched()
    watched.stop()
    watched.hands.seconds += 60
    assert watched.guard.wants_trial()
    assert not watched.guard.wants_trial()
    watched.guard.tried(watched.names(10), healthy(10, RNG))
    assert watched.guard.wants_trial()


def test_quiet_window_closes_and_a_shift_opens_again() -> None:
    """Neither before the window is full."""
    watched = Watched()
    watched.stop()
    watched.hands.seconds += 60
    watched.try_again(40)
    assert not watched.guard.closed
    watched.try_again(10)
    assert watched.guard.closed
    assert watched.opened[0].closed_at == watched.hands.now()
    watched.stop()
    assert len(watched.opened) == 2
    watched.hands.seconds += 60
    watched.try_again(50, constant=True)
    assert watched.guard.breaker.state == "open"
    assert len(watched.opened) == 2


def test_version_that_hangs_while_it_is_tried_is_stopped_again() -> None:
    """After another cool-down without an answer."""
    watched = Watched()
    watched.stop()
    watched.hands.seconds += 60
    assert watched.guard.wants_trial()
    watched.hands.seconds += 60
    assert not watched.guard.wants_trial()
    assert watched.guard.breaker.state == "open"
    assert "no answer within 60 s" in str(watched.guard.trouble())


def test_result_that_comes_too_late_changes_nothing() -> None:
    """It belongs to a trial that is over."""
    watched = Watched()
    watched.stop()
    watched.guard.tried(watched.names(100), np.full(100, 0.2))
    assert watched.guard.breaker.tripped == 1


def test_rows_that_no_version_could_score_say_nothing() -> None:
    """They are nobody's failure."""
    watched = Watched()
    watched.stop()
    watched.hands.seconds += 60
    assert watched.guard.wants_trial()
    watched.guard.tried(watched.names(10), None)
    assert watched.guard.breaker.state is BreakerState.HALF_OPEN


def test_changed_policy_is_followed_with_a_new_window() -> None:
    """What was seen by another length says nothing by this one."""
    watched = Watched()
    watched.answer(40, constant=True)
    watched.guard.follow(POLICY.model_copy(update={"window_answers": 100}))
    watched.answer(90, constant=True)
    assert watched.guard.closed
    watched.answer(10, constant=True)
    assert not watched.guard.closed


def test_version_whose_baseline_is_gone_is_let_back() -> None:
    """Nothing can be held against it any more."""
    watched = Watched()
    watched.stop()
    watched.guard.judge_by(None, POLICY)
    watched.hands.seconds += 60
    assert not watched.guard.wants_trial()
    assert watched.guard.closed


def test_watch_that_fails_takes_no_answer_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answers are logged already; it gives up instead."""
    watched = Watched()
    monkeypatch.setattr("lifecycle.output_window.log_odds", lambda *_: 1 / 0)
    watched.answer(100, constant=True)
    assert watched.guard.closed


def test_newest_rows_are_cut_to_what_is_wanted() -> None:
    """The oldest batch of them in the middle."""
    batches = [batch(ids(4, first)) for first in (0, 4, 8)]
    kept = newest(batches, 6)
    assert [name for one in kept for name in one["example_id"].to_pylist()] == ids(6, 6)
    assert newest(batches, 100) == batches
