"""A batch is accepted or refused by written limits, and the reason says what was seen."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.intake import (
    DAY,
    HOUR,
    WEEK,
    Age,
    BadRowLimit,
    Intake,
    Tally,
    Volume,
    VolumeLimit,
    count_window,
    decide_intake,
    expected_volume,
    history_start,
)
from lifecycle.verdict import Verdict

LIMIT = BadRowLimit(rows=3, share=0.05)
FLIGHTS = VolumeLimit(share=0.65, spread=3.0, rows_per_day=900)
MONDAY = datetime(2013, 4, 1, tzinfo=UTC).timestamp()


def range_tally(failed: int) -> Tally:
    """Return the tally of an expectation about single rows."""
    return Tally("between(wind)", critical=False, held=failed == 0, checked=100, failed=failed)


def decide(tallies: list[Tally], rows: int = 100, bad_rows: int = 0) -> Intake:
    """Decide on a batch by its tallies alone."""
    return decide_intake(tallies, rows=rows, bad_rows=bad_rows, bad_row_limit=LIMIT)


def test_clean_batch_is_accepted() -> None:
    """Its reason counts the rows."""
    intake = decide([range_tally(0)])
    assert (intake.verdict, intake.reason) == (Verdict.PASS, "100 of 100 rows accepted, 0 set aside")


@pytest.mark.parametrize(
    ("rows", "bad_rows", "accepted"),
    [(100, 8, True), (100, 9, False), (10, 3, True), (10, 4, False), (0, 0, True), (1000, 53, True), (1000, 54, False)],
)
def test_bad_rows_are_set_aside_up_to_the_limit(rows: int, bad_rows: int, accepted: bool) -> None:  # noqa: FBT001 - a table
    """Three of any batch and a twentieth of its rows; more of them are a broken source."""
    assert decide([range_tally(bad_rows)], rows, bad_rows).accepted is accepted


def test_too_many_bad_rows_name_what_they_failed() -> None:
    """Numbers, limit and expectation are in the reason."""
    intake = decide([range_tally(20)], bad_rows=20)
    assert intake.verdict is Verdict.FAIL
    assert intake.reason == "20 of 100 rows are bad, at most 8 may be (3 and 5.0%): between(wind) (20)"


def test_failed_batch_expectation_refuses() -> None:
    """What was found and what was expected are in the reason."""
    tally = Tally("columns", critical=True, held=False, observed="missing wind", expected="wind, rain")
    intake = decide([tally])
    assert (intake.accepted, intake.reason) == (False, "columns: found missing wind, expected wind, rain")


@pytest.mark.parametrize(("failed", "accepted"), [(53, True), (54, False)])
def test_share_that_must_hold_leaves_room_in_a_small_batch(failed: int, accepted: bool) -> None:  # noqa: FBT001 - a table
    """Half of the rows may lack the value, and three on top."""
    tally = Tally("not_null(tail)", critical=True, held=False, checked=100, failed=failed, share_tolerated=0.5)
    intake = decide([tally])
    assert intake.accepted is accepted
    assert f"{failed} of 100 rows fail, at most 53 may (3 and 50.0%)" in intake.findings[0].reason


def test_expectation_that_cannot_be_examined_refuses() -> None:
    """Lack of evidence is no pass."""
    intake = decide([Tally("between(wind)", critical=False, held=False, error="wind is no number")])
    assert intake.verdict is Verdict.ERROR
    assert not intake.accepted
    assert intake.reason == "between(wind) could not be examined: wind is no number"


@pytest.mark.parametrize(("rows", "verdict"), [(980, Verdict.PASS), (544, Verdict.PASS), (490, Verdict.FAIL)])
def test_half_the_volume_of_a_day_is_refused(rows: int, verdict: Verdict) -> None:
    """A day of 980 expected flights may thin out to 544."""
    volume = (Volume(rows=rows, hours=24, expected=980), FLIGHTS)
    intake = decide_intake([], rows=rows, bad_rows=0, bad_row_limit=LIMIT, volume=volume)
    assert intake.verdict is verdict
    if verdict is Verdict.FAIL:
        assert "490 events in 24 h, at least 543 are required where 980 are expected" in intake.reason


def test_volume_without_history_is_open_and_no_refusal() -> None:
    """The first window of a stream has nothing to be compared with."""
    volume = (Volume(rows=4, hours=24, expected=None), FLIGHTS)
    intake = decide_intake([], rows=4, bad_rows=0, bad_row_limit=LIMIT, volume=volume)
    assert (intake.verdict, intake.accepted) == (Verdict.INCONCLUSIVE, True)


@pytest.mark.parametrize(
    ("hours", "verdict"),
    [(8.9, Verdict.PASS), (9.0, Verdict.PASS), (9.1, Verdict.FAIL), (None, Verdict.INCONCLUSIVE)],
)
def test_stale_stream_is_refused(hours: float | None, verdict: Verdict) -> None:
    """A source that has fallen silent must not pass for a quiet night."""
    intake = decide_intake([], rows=0, bad_rows=0, bad_row_limit=LIMIT, age=Age(hours=hours, limit_hours=9))
    assert intake.verdict is verdict


def hourly(weeks: int, per_hour: int = 10) -> np.ndarray:
    """Return the moments of a stream that brought so many events every hour of the weeks before MONDAY."""
    return np.sort(np.repeat(MONDAY - WEEK * weeks + HOUR * np.arange(weeks * 7 * 24), per_hour))


def test_hour_is_judged_with_the_day_that_ends_with_it() -> None:
    """An hour that brings nothing is 230 events of a day's 240."""
    assert count_window(hourly(2), 0, MONDAY, MONDAY + HOUR) == (230, 24.0)


def test_window_of_a_day_or_more_is_judged_alone() -> None:
    """What is stored before it belongs to other days."""
    assert count_window(hourly(2), 200, MONDAY, MONDAY + 2 * DAY) == (200, 48.0)


def test_expected_is_the_median_of_the_same_weekday() -> None:
    """One holiday among four weeks does not move it."""
    known_at = hourly(5)
    holiday = (known_at >= MONDAY - WEEK) & (known_at < MONDAY - WEEK + DAY)
    assert expected_volume(known_at[~holiday], MONDAY, MONDAY + DAY, 900) == 240


def test_short_window_without_a_week_of_history_expects_nothing() -> None:
    """Three days are no Monday to compare a Monday with."""
    assert expected_volume(hourly(1)[-3 * 240 :], MONDAY, MONDAY + DAY, 900) is None


def test_long_window_without_history_is_held_against_the_typical_day() -> None:
    """The very first backfill is judged, too."""
    assert expected_volume(np.empty(0), MONDAY, MONDAY + 2 * WEEK, 900) == 14 * 900


def test_window_longer_than_a_week_is_compared_whole_weeks_apart() -> None:
    """Ten days are compared with the ten days that began two weeks before, then four."""
    assert expected_volume(hourly(5), MONDAY, MONDAY + 10 * DAY, 900) == 2400


@given(hours=st.integers(1, 24 * 30))
def test_history_reaches_back_over_all_weeks_compared(hours: int) -> None:
    """What `history_start` asks for is enough to compare with four earlier windows."""
    end = MONDAY + hours * HOUR
    start = history_start(MONDAY, end)
    full = np.arange(start, MONDAY, HOUR)
    older = np.arange(start - 10 * WEEK, MONDAY, HOUR)
    assert expected_volume(full, MONDAY, end, 900) == expected_volume(older, MONDAY, end, 900)
