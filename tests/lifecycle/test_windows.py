"""Windows are exact, half-open, and blind to how history was loaded."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.errors import InvalidInput
from lifecycle.recency import last_before, minutes_since
from lifecycle.windows import UNKNOWN, History, history_of, window_before

Event = tuple[str, int, int]
EVENTS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(-50, 50), st.integers(-(10**9), 10**9)), max_size=40)
QUERIES = st.lists(st.tuples(st.sampled_from("abcz"), st.integers(-60, 60)), min_size=1, max_size=20)
WIDTHS = st.integers(1, 40)


def _history(events: list[Event]) -> History:
    names = np.array([name for name, _, _ in events], dtype=object)
    known_at = np.array([at for _, at, _ in events], dtype=np.int64)
    return history_of(names, known_at, {"delay": np.array([value for _, _, value in events], dtype=np.int64)})


def _columns(queries: list[tuple[str, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([name for name, _ in queries]), np.array([at for _, at in queries], dtype=np.int64)


@settings(deadline=None)
@given(EVENTS, QUERIES, WIDTHS)
def test_window_equals_a_plain_loop(events: list[Event], queries: list[tuple[str, int]], width: int) -> None:
    """Count, total and mean are those of the events in [at - width, at)."""
    history = _history(events)
    names, at = _columns(queries)
    window = window_before(history, history.codes_of(names), at, width)
    for row, (name, moment) in enumerate(queries):
        inside = [value for who, when, value in events if who == name and moment - width <= when < moment]
        assert window.count[row] == len(inside)
        assert window.totals["delay"][row] == sum(inside)
        expected = sum(inside) / len(inside) if inside else float("nan")
        np.testing.assert_equal(window.mean("delay")[row], expected)


@settings(deadline=None)
@given(EVENTS, st.lists(st.integers(-80, 10), min_size=1, max_size=3), WIDTHS, st.randoms(use_true_random=False))
def test_older_history_and_input_order_change_no_bit(
    events: list[Event], starts: list[int], width: int, random: Random
) -> None:
    """Loading more past than the window needs, or in another order, gives the same bits."""
    shuffled = list(events)
    random.shuffle(shuffled)
    at = np.arange(20, 50, dtype=np.int64)
    names = np.full(at.shape, "a")
    full = _history(events)
    expected = window_before(full, full.codes_of(names), at, width).mean("delay")
    for start in starts:
        needed = _history([event for event in shuffled if event[1] >= min(start, 20 - width)])
        got = window_before(needed, needed.codes_of(names), at, width).mean("delay")
        assert got.tobytes() == expected.tobytes()


@settings(deadline=None)
@given(EVENTS, QUERIES)
def test_last_value_equals_a_plain_loop(events: list[Event], queries: list[tuple[str, int]]) -> None:
    """The last event known before the moment wins; of several at one moment, the largest value."""
    history = _history(events)
    names, at = _columns(queries)
    latest = last_before(history, history.codes_of(names), at, "delay")
    for row, (name, moment) in enumerate(queries):
        before = [(when, value) for who, when, value in events if who == name and when < moment]
        np.testing.assert_equal(latest[row], max(before)[1] if before else float("nan"))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from([0, 1])), min_size=1, max_size=30))
def test_rate_lies_between_zero_and_one(marks: list[tuple[int, int]]) -> None:
    """The mean of a 0/1 value is a share."""
    history = _history([("a", at, mark) for at, mark in marks])
    rate = window_before(history, history.codes_of(np.array(["a"])), np.array([21]), 21).mean("delay")
    assert 0 <= rate[0] <= 1


def test_event_at_the_very_moment_does_not_count() -> None:
    """What becomes known at `at` is for later rows; what is exactly a width old still counts."""
    history = _history([("a", 10, 1), ("a", 20, 2)])
    window = window_before(history, history.codes_of(np.array(["a"])), np.array([20]), 10)
    assert (window.count[0], window.totals["delay"][0]) == (1, 1)


def test_unknown_entity_has_an_empty_window() -> None:
    """An entity without events has count 0, no mean and no last value."""
    history = _history([("a", 10, 1)])
    codes = history.codes_of(np.array(["b"]))
    window = window_before(history, codes, np.array([20]), 100)
    assert codes.tolist() == [UNKNOWN]
    assert window.count.tolist() == [0]
    assert np.isnan(window.mean("delay")).all()
    assert np.isnan(last_before(history, codes, np.array([20]), "delay")).all()


def test_fractional_values_are_refused() -> None:
    """Sums of fractions would depend on how history was cut."""
    with pytest.raises(InvalidInput, match="delay are float64"):
        history_of(np.array(["a"]), np.array([1]), {"delay": np.array([0.5])})


def test_window_without_width_is_refused() -> None:
    """A width of zero would silently count nothing."""
    history = _history([])
    with pytest.raises(InvalidInput, match="window of 0"):
        window_before(history, history.codes_of(np.array(["a"])), np.array([1]), 0)


def test_minutes_since_stops_at_its_limit() -> None:
    """A long rest reads as the limit, and no landing as NaN."""
    since = minutes_since(np.array([0.0, 0.0, np.nan]), np.array([90.0, 1e9, 0.0]), at_most=60)
    np.testing.assert_equal(since, [1.5, 60.0, np.nan])
