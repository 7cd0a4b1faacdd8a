"""The watch over the champion: rarely wrong while all is well, quick when it is not."""

import numpy as np
import pytest

from lifecycle.evidence import Series, Tally
from lifecycle.judge.change import detect, log_threshold


def series(rates: list[float], observations: int, rng: np.random.Generator) -> Series:
    """Return a span of so many observations for each rate."""
    drawn = (int(rng.binomial(observations, rate)) for rate in rates)
    return Series(span_seconds=60, tallies=tuple(Tally(events=events, observations=observations) for events in drawn))


def test_false_alarms_are_rarer_than_the_threshold_says() -> None:
    """At a rate that is exactly the limit, fewer than one in ten runs of 100 spans reaches a threshold of 1,000."""
    rng = np.random.default_rng(1)
    alarms = sum(detect(series([0.02] * length, 30, rng), 0.02).log_evidence >= np.log(1000) for length in (100,) * 150)
    assert alarms / 150 <= 0.1


def test_rate_that_rises_is_found_within_minutes_and_dated() -> None:
    """After five quiet hours, four minutes at ten times the limit are proof for a year without false alarms."""
    rng = np.random.default_rng(2)
    seen = series([0.005] * 300 + [0.2] * 4, 50, rng)
    change = detect(seen, 0.02)
    assert change.log_evidence >= log_threshold(365, 60, 2)
    assert change.spans == pytest.approx(4, abs=1)


def test_quiet_past_does_not_weigh_against_a_change() -> None:
    """Evidence is summed over every start, so a long good record delays nothing."""
    rng = np.random.default_rng(3)
    bad = series([0.2] * 5, 50, rng)
    after = Series(span_seconds=60, tallies=(*series([0.0] * 1000, 50, rng).tallies, *bad.tallies))
    assert detect(after, 0.02).log_evidence >= detect(bad, 0.02).log_evidence - 1


def test_spans_without_data_change_nothing() -> None:
    """A quiet night is neither evidence for nor against."""
    rng = np.random.default_rng(4)
    seen = series([0.1] * 6, 40, rng)
    empty = Tally(events=0, observations=0)
    gaps = Series(span_seconds=60, tallies=tuple(part for tally in seen.tallies for part in (tally, empty, empty)))
    assert detect(gaps, 0.02).log_evidence == pytest.approx(detect(seen, 0.02).log_evidence)
    assert detect(Series(span_seconds=60, tallies=(empty,) * 3), 0.02).log_evidence == -np.inf


def test_limit_of_nothing_is_broken_by_one_event_and_a_limit_of_all_never() -> None:
    """The ends of the range mean what they say."""
    once = Series(span_seconds=60, tallies=(Tally(events=1, observations=10),))
    assert detect(once, 0.0).log_evidence >= log_threshold(365, 60, 1)
    always = Series(span_seconds=60, tallies=(Tally(events=10, observations=10),) * 50)
    assert detect(always, 1.0).log_evidence < log_threshold(1, 60, 1)


def test_threshold_grows_with_the_time_between_alarms_and_with_the_rules() -> None:
    """Two rules need twice the evidence to give as few alarms together."""
    assert log_threshold(365, 60, 2) == pytest.approx(log_threshold(365, 60, 1) + np.log(2))
    assert log_threshold(730, 60, 1) == pytest.approx(log_threshold(365, 30, 1))
