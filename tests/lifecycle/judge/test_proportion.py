"""Bounds of one proportion: always around what was seen, right at the ends, and rarely wrong at any look."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.judge.proportion import interval, log_evidence


@given(observations=st.integers(1, 5000), part=st.floats(0, 1), probability=st.floats(1e-6, 0.2))
def test_bounds_enclose_what_was_seen(observations: int, part: float, probability: float) -> None:
    """In order, within 0 and 1, and wider for more certainty."""
    events = round(part * observations)
    low, high = interval(events, observations, probability)
    wider_low, wider_high = interval(events, observations, probability / 10)
    assert 0 <= wider_low <= low <= events / observations <= high <= wider_high <= 1


@given(observations=st.integers(1, 5000), probability=st.floats(1e-6, 0.2))
def test_no_events_and_nothing_but_events_mirror_each_other(observations: int, probability: float) -> None:
    """At 0 events the lower bound is 0 and the upper is not 1 for long; all events are its mirror."""
    low, high = interval(0, observations, probability)
    mirrored_low, mirrored_high = interval(observations, observations, probability)
    assert (low, mirrored_high) == (0.0, 1.0)
    assert high == pytest.approx(1.0 - mirrored_low, abs=1e-9)


def test_no_observations_leave_everything_possible() -> None:
    """Nothing is known of nothing."""
    assert interval(0, 0, 0.01) == (0.0, 1.0)


@pytest.mark.parametrize("rate", [0.01, 0.3])
def test_bounds_miss_the_truth_at_any_of_two_thousand_looks_more_rarely_than_promised(rate: float) -> None:
    """Looked at after every observation, a thousand times over, with three standard errors for the simulation."""
    rng = np.random.default_rng(7)
    events = (rng.random((1000, 2000)) < rate).cumsum(axis=1)
    looks = np.arange(1, 2001)
    missed = (log_evidence(events, looks, rate) >= np.log(1 / 0.05)).any(axis=1)
    assert missed.mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)
