"""The source hands over the year 2013 whole, each event from the moment it could be known."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from feature_repo.flight_delay.source import (
    DIVERTED_LASTS,
    SOURCE_RANGE,
    STREAMS,
    next_time_on_clock,
    read_outcomes,
    read_planes,
    read_schedules,
    read_weather,
)

EVER = (datetime(2012, 1, 1, tzinfo=UTC), datetime(2015, 1, 1, tzinfo=UTC))
KEY = list(STREAMS[0].key)


def test_every_flight_is_there_once() -> None:
    """336,776 flights, 8,255 of them cancelled and 2,512 without tail number, as the source says."""
    schedules, outcomes = read_schedules(*EVER), read_outcomes(*EVER)
    assert len(schedules) == len(outcomes) == 336_776
    assert not schedules.duplicated(KEY).any()
    assert outcomes["status"].value_counts().to_dict() == {"landed": 327_346, "cancelled": 8_255, "diverted": 1_175}
    assert schedules["tail_number"].isna().sum() == outcomes["tail_number"].isna().sum() == 2_512


def test_landing_on_the_local_clock_agrees_with_the_delay() -> None:
    """All 327,346 landings, over six time zones and both clock changes, are on the minute."""
    landed = read_outcomes(*EVER).query("status == 'landed'").merge(read_schedules(*EVER), on=KEY)
    late = (landed["landed_at"] - landed["scheduled_arrival_at"]).dt.total_seconds() / 60
    assert (late == landed["arrival_delay_minutes"]).all()


def test_outcome_is_known_no_earlier_than_it_happened() -> None:
    """When it landed; when it should have left; or six hours after take-off when it was given up."""
    outcomes = read_outcomes(*EVER)
    landed = outcomes["landed_at"].notna()
    assert (outcomes["known_at"] == outcomes["landed_at"])[landed].all()
    cancelled = outcomes["status"] == "cancelled"
    assert (outcomes["known_at"] == outcomes["scheduled_departure_at"])[cancelled].all()
    given_up = (outcomes["status"] == "diverted") & ~landed
    assert given_up.sum() == 458
    assert (outcomes["known_at"] - outcomes["departed_at"] == DIVERTED_LASTS)[given_up].all()


def test_only_a_landed_flight_has_a_delay_to_learn_from() -> None:
    """Cancelled and diverted flights have no label."""
    outcomes = read_outcomes(*EVER)
    assert (outcomes["arrival_delay_minutes"].notna() == (outcomes["status"] == "landed")).all()


def test_schedule_is_known_a_day_ahead_and_weather_an_hour_after() -> None:
    """Nothing is known before it could be."""
    schedules, weather = read_schedules(*EVER), read_weather(*EVER)
    assert (schedules["scheduled_departure_at"] - schedules["known_at"] == timedelta(hours=24)).all()
    assert (weather["known_at"] - weather["observed_at"] == timedelta(hours=1)).all()
    assert len(weather) == 26_115
    assert weather["wind_speed_mph"].max() > 1000


def test_planes_are_known_from_the_years_beginning() -> None:
    """The register has no dates of its own; 70 planes have no year."""
    planes = read_planes(*EVER)
    assert len(planes) == 3_322
    assert planes["built_year"].isna().sum() == 70
    assert planes["known_at"].unique().tolist() == [pd.Timestamp("2013-01-01", tz="UTC")]


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_windows_that_touch_share_and_lose_nothing(stream: object) -> None:
    """[start, end) by the moment an event became known, in order."""
    read = getattr(stream, "read")  # noqa: B009 - the parameter is shown by its name
    start, noon, end = (datetime(2013, 1, 1, hour, tzinfo=UTC) for hour in (0, 12, 23))
    whole = read(start, end)
    parts = pd.concat([read(start, noon), read(noon, end)], ignore_index=True)
    pd.testing.assert_frame_equal(parts, whole)
    assert whole["known_at"].is_monotonic_increasing
    assert whole["known_at"].dtype == "datetime64[us, UTC]"


def test_every_stream_flows_over_the_whole_range() -> None:
    """A scheduled ingest that plays to the range's end finds schedules, outcomes and weather up to it."""
    start, end = SOURCE_RANGE
    for read in (read_schedules, read_outcomes, read_weather):
        assert len(read(end - timedelta(hours=6), end)) > 0
    assert min(read_schedules(*EVER)["known_at"].min(), read_outcomes(*EVER)["known_at"].min()) >= start


def test_caller_cannot_spoil_what_is_read_next() -> None:
    """The parsed year is kept in the process; a window is a copy of its rows."""
    window = (datetime(2013, 4, 1, tzinfo=UTC), datetime(2013, 4, 2, tzinfo=UTC))
    spoiled = read_weather(*window)
    spoiled["wind_speed_mph"] = -1.0
    assert (read_weather(*window)["wind_speed_mph"] >= 0).all()


@pytest.mark.parametrize(
    ("start", "clock", "zone", "expected"),
    [
        ("2013-07-01T20:00Z", 1700, "America/Chicago", "2013-07-01T22:00Z"),
        ("2013-07-01T20:00Z", 1500, "America/Chicago", "2013-07-01T20:00Z"),
        ("2013-07-01T20:00Z", 1459, "America/Chicago", "2013-07-02T19:59Z"),
        ("2013-01-01T23:00Z", 2400, "America/New_York", "2013-01-02T05:00Z"),
        ("2013-03-10T06:00Z", 203, "America/New_York", "2013-03-10T07:03Z"),
        ("2013-11-03T04:00Z", 130, "America/New_York", "2013-11-03T05:30Z"),
        ("2013-07-01T12:00Z", 930, "America/Puerto_Rico", "2013-07-01T13:30Z"),
        ("2013-07-01T12:00Z", float("nan"), "America/Denver", None),
    ],
)
def test_clock_time_is_the_next_moment_it_shows(start: str, clock: float, zone: str, expected: str | None) -> None:
    """Over midnight, the hour that summer time skips, the hour that comes twice, and no time at all."""
    found = next_time_on_clock(
        pd.Series(pd.to_datetime([start], utc=True)), pd.Series([clock]), pd.Series([zone], dtype=object)
    )
    assert found.dtype == "datetime64[us, UTC]"
    assert found[0] == pd.Timestamp(expected) if expected else pd.isna(found[0])
