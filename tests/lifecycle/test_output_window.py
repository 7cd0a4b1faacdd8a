"""The last answers of a version, and when they are not its own any more."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lifecycle.output_window import OutputWindow, Shift
from lifecycle.outputs import output_limits, profile_outputs
from tests.lifecycle.scores import PER_DAY, ids, moments_of, scores_of
from tests.lifecycle.test_outputs import POLICY

WINDOW = POLICY.window_answers
BATCH = 7


def fresh_window() -> OutputWindow:
    """Return the empty window of a version with a month as its baseline."""
    scores = scores_of(31, seed=2)
    profile = profile_outputs(scores, moments_of(scores))
    assert profile is not None
    limits = output_limits(profile, POLICY)
    assert limits is not None
    return OutputWindow(limits)


def feed(window: OutputWindow, scores: np.ndarray, first: int = 0, batch: int = BATCH) -> tuple[int, Shift] | None:
    """Let a window see scores in batches; return after how many it says what, None when it stays quiet."""
    for start in range(0, len(scores), batch):
        part = scores[start : start + batch]
        shift = window.add(ids(len(part), first + start), part)
        if shift is not None:
            return start + len(part), shift
    return None


def test_healthy_years_are_stopped_as_rarely_as_the_policy_says() -> None:
    """Storms, quiet nights and holidays come and go: in 1,200 days of 365 a false alarm, four are no surprise."""
    openings = 0
    for seed in range(4):
        year = scores_of(300, seed=100 + seed)
        found = feed(fresh_window(), year, batch=64)
        while found is not None:
            openings += 1
            year = year[found[0] + PER_DAY :]
            found = feed(fresh_window(), year, batch=64)
    assert openings <= 4


RNG = np.random.default_rng(5)
BROKEN: list[tuple[str, Callable[[np.ndarray], np.ndarray]]] = [
    ("one half", lambda scores: np.full(len(scores), 0.5)),
    ("the usual mean", lambda scores: np.full(len(scores), 0.2)),
    ("nothing", lambda scores: np.zeros(len(scores))),
    ("certainty", lambda scores: np.ones(len(scores))),
    ("the complement", lambda scores: 1.0 - scores),
    ("noise", lambda scores: RNG.random(len(scores))),
]


@pytest.mark.parametrize(("what", "broken"), BROKEN, ids=[name for name, _ in BROKEN])
def test_broken_version_is_found_within_one_window(what: str, broken: Callable[[np.ndarray], np.ndarray]) -> None:
    """On a day without a storm, from the first broken answer on."""
    window = fresh_window()
    before, after = scores_of(3, seed=7, storms=0.0), scores_of(2, seed=8, storms=0.0)
    assert feed(window, before) is None
    found = feed(window, broken(after), first=10_000)
    assert found is not None
    assert found[0] <= WINDOW + BATCH


def test_broken_version_is_found_by_its_first_window_when_nothing_came_before() -> None:
    """A fresh replica has no past to compare with."""
    found = feed(fresh_window(), np.full(1000, 0.2))
    assert found is not None
    answers, shift = found
    assert WINDOW <= answers < WINDOW + BATCH
    assert (shift.statistic, shift.answers) == ("spread", answers)
    assert shift.value < shift.low
    assert "spread over 0.001" in shift.reason


def test_reason_says_the_mean_as_a_probability() -> None:
    """People read probabilities."""
    found = feed(fresh_window(), 1.0 - scores_of(1, seed=3, storms=0.0))
    assert found is not None
    assert found[1].statistic == "mean"
    assert "have their middle at 0." in found[1].reason


def test_sudden_move_is_found_where_the_mean_itself_would_pass() -> None:
    """From a quiet night to a storm takes hours, from one version to another one answer."""
    window = OutputWindow(replace(fresh_window().limits, spread_high=9.0))
    low = np.tile(np.linspace(-0.5, 0.5, 40), 10) - 2.4
    high = low + window.limits.jump_high + 0.05
    assert feed(fresh_window(), odds_to_scores(high)) is None
    assert feed(window, odds_to_scores(low)) is None
    found = feed(window, odds_to_scores(high), first=1000)
    assert found is not None
    answers, shift = found
    assert (shift.statistic, answers <= WINDOW + BATCH) == ("jump", True)
    assert shift.value > shift.high
    assert "moved by +" in shift.reason


def odds_to_scores(odds: np.ndarray) -> np.ndarray:
    """Return probabilities of log-odds."""
    scores: np.ndarray = 1.0 / (1.0 + np.exp(-odds))
    return scores


def test_one_request_asked_again_and_again_says_nothing() -> None:
    """A client in a loop is no fault of the version."""
    window = fresh_window()
    scores = scores_of(2, seed=9)
    assert feed(window, scores[:1000]) is None
    for _ in range(2000):
        assert window.add(["the same"] * 3, np.full(3, 0.2)) is None


def test_few_examples_in_turn_never_fill_a_window() -> None:
    """What is asked twice is counted once."""
    window = fresh_window()
    for turn in range(100):
        assert window.add(ids(50), np.full(50, 0.2)) is None, turn
    assert not window.full


def test_batch_longer_than_the_window_is_one_window() -> None:
    """A request of many rows is judged as a whole, and what was before it is forgotten."""
    window = fresh_window()
    assert window.add(ids(WINDOW), scores_of(1, seed=3)[:WINDOW]) is None
    shift = window.add(ids(512, 1000), np.full(512, 0.2))
    assert shift is not None
    assert shift.answers == 512


def test_repeated_rows_of_one_batch_keep_their_own_scores() -> None:
    """Of rows about one example the first counts, whatever stands between."""
    window = fresh_window()
    window.add(["a", "b", "a"], np.array([0.1, 0.4, 0.9]))
    once = fresh_window()
    once.add(["a", "b"], np.array([0.1, 0.4]))
    assert (window._sum, window._squares) == pytest.approx((once._sum, once._squares))


def test_running_sums_stay_those_of_the_window() -> None:
    """After many answers, sums are what adding up the last ones gives."""
    window = fresh_window()
    scores = scores_of(20, seed=4)
    feed(window, scores, batch=1)
    odds = np.log(scores[-WINDOW:] / (1.0 - scores[-WINDOW:]))
    assert window._sum == pytest.approx(float(odds.sum()), abs=1e-8)
    assert window._squares == pytest.approx(float((odds * odds).sum()), abs=1e-8)
