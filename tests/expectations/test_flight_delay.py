"""The suites of flight_delay let the year 2013 in as it was, less what cannot have been."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from expectations.suite import Examination, examine, load_suites
from feature_repo.flight_delay.source import SOURCE_RANGE, STREAMS
from lifecycle.intake import DAY, HOUR, count_window, expected_volume

EVER = (datetime(2012, 1, 1, tzinfo=UTC), datetime(2015, 1, 1, tzinfo=UTC))
READ = {stream.name: stream.read for stream in STREAMS}


@pytest.fixture(scope="session")
def year() -> dict[str, Examination]:
    """Every stream's whole year, examined."""
    suites = load_suites("flight_delay")
    return {name: examine(suites[name], read(*EVER)) for name, read in READ.items()}


@pytest.mark.parametrize(("stream", "rows"), [("schedules", 336776), ("outcomes", 336776), ("planes", 3322)])
def test_real_dirt_of_flights_is_let_in(year: dict[str, Examination], stream: str, rows: int) -> None:
    """8,255 cancelled flights and 2,512 without tail number are what happened, not errors."""
    found = year[stream]
    assert (found.accepted, len(found.good), found.bad) == (True, rows, {})


def test_wind_of_a_thousand_miles_an_hour_is_set_aside(year: dict[str, Examination]) -> None:
    """One reading in 26,115 cannot have been."""
    found = year["weather"]
    (place,) = found.bad
    assert found.bad[place] == ("expect_column_values_to_be_between(wind_speed_mph)",)
    assert READ["weather"](*EVER).loc[place, "wind_speed_mph"] == pytest.approx(1048.36058)
    assert (found.accepted, len(found.good)) == (True, 26114)


@pytest.mark.parametrize(
    ("stream", "false_alarms", "halved_days_seen"), [("schedules", 8, 0.98), ("outcomes", 7, 0.98), ("weather", 0, 1.0)]
)
def test_volume_limit_knows_a_quiet_day_from_half_a_day(
    stream: str, false_alarms: int, halved_days_seen: float
) -> None:
    """Of 8,500 hourly windows only Thanksgiving's look like a broken source; nearly all halved days do."""
    limit = load_suites("flight_delay")[stream].volume
    assert limit is not None
    known_at = READ[stream](*EVER)["known_at"].astype("int64").to_numpy() / 1e6
    start, end = (moment.timestamp() for moment in SOURCE_RANGE)
    rows, lowest, days = [], [], []
    for hour in np.arange(start + DAY, end, HOUR):
        expected = expected_volume(known_at, hour, hour + HOUR, limit.rows_per_day)
        if expected is not None:
            came = int(np.searchsorted(known_at, hour + HOUR) - np.searchsorted(known_at, hour))
            rows.append(count_window(known_at, came, hour, hour + HOUR)[0])
            lowest.append(limit.lowest(expected))
            days.append(datetime.fromtimestamp(hour, UTC).date())
    alarms = np.array(rows) < np.array(lowest)
    assert int(alarms.sum()) == false_alarms
    assert {f"{days[place]:%m-%d}" for place in np.flatnonzero(alarms)} <= {"11-27", "11-28", "11-29"}
    assert (np.array(rows) // 2 < np.array(lowest)).mean() >= halved_days_seen


@pytest.mark.parametrize("stream", ["schedules", "outcomes", "weather"])
def test_stream_is_never_as_silent_as_its_freshness_limit(stream: str) -> None:
    """The longest real silence of the year stays under it."""
    limit = load_suites("flight_delay")[stream].freshness_hours
    known_at = READ[stream](*EVER)["known_at"]
    silence = (known_at[known_at < SOURCE_RANGE[1]].diff().max()).total_seconds() / HOUR
    assert limit is not None
    assert silence < limit <= 1.5 * silence


def test_suites_are_keyed_as_the_streams_are() -> None:
    """Every stream has a suite that declares its columns, and no event of a key and moment comes twice."""
    suites = load_suites("flight_delay")
    for stream in STREAMS:
        suite = suites[stream.name]
        assert list(suite.columns) == list(stream.read(*SOURCE_RANGE))
        unique = [each.column_list for each in suite.rows if hasattr(each, "column_list")]
        assert unique == [[*stream.key, "known_at"]]


def examples(rows: int) -> pd.DataFrame:
    """Return a training set that could have been made."""
    departure = pd.Series(pd.date_range("2013-04-01", periods=rows, freq="1min", tz="UTC"))
    return pd.DataFrame(
        {
            "example_id": [f"flight-{row}" for row in range(rows)],
            "event_timestamp": departure - pd.Timedelta(hours=2),
            "label_known_at": departure + pd.Timedelta(hours=3),
            "label": np.arange(rows) % 4 // 3,
            "carrier": "UA",
            "flight": 1545,
            "origin": "EWR",
            "dest": "IAH",
            "tail_number": None,
            "scheduled_departure_at": departure,
            "scheduled_arrival_at": departure + pd.Timedelta(hours=3),
            "distance_miles": 1400.0,
            "carrier_late_rate_24h": 0.2,
        }
    )


Change = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame, ""),
        (lambda frame: frame.head(900), "found 900, expected min_value 1000"),
        (lambda frame: frame.assign(label=0), "expect_column_mean_to_be_between(label): found 0.0"),
        (lambda frame: frame.assign(label=2), "expect_column_values_to_be_in_set(label)"),
        (lambda frame: frame.assign(example_id="same"), "expect_column_values_to_be_unique(example_id)"),
        (
            lambda frame: frame.assign(label_known_at=frame["event_timestamp"]),
            "expect_column_pair_values_a_to_be_greater_than_b(label_known_at, event_timestamp)",
        ),
    ],
)
def test_training_set_is_refused_for_what_would_spoil_a_model(change: Change, said: str) -> None:
    """Too few rows, a label that does not vary, an outcome known before the question: nothing is learned from it."""
    found = examine(load_suites("flight_delay")["training_set"], change(examples(1200)))
    assert found.accepted is (said == "")
    assert said in found.reason


def predictions() -> pd.DataFrame:
    """Return a logged prediction as it should be, three times."""
    moment = pd.Series(pd.date_range("2013-04-01", periods=3, freq="1min", tz="UTC"))
    return pd.DataFrame(
        {
            "prediction_id": ["a", "b", "c"],
            "version": "1",
            "request": "{}",
            "score": [0.0, 0.4, 1.0],
            "decision": ["likely_on_time", "likely_late", "likely_late"],
            "served_at": moment,
            "moment_at": moment,
            "tier": "champion",
        }
    )


@pytest.mark.parametrize(
    ("change", "accepted"),
    [
        (lambda frame: frame, True),
        (lambda frame: frame.assign(score=[0.0, 0.4, 1.5]), False),
        (lambda frame: frame.assign(score=[0.0, 0.4, np.nan]), False),
        (lambda frame: frame.assign(decision="late_says_a_newer_policy"), True),
        (lambda frame: frame.assign(decision=None), False),
        (lambda frame: frame.assign(prediction_id="a"), False),
    ],
)
def test_served_predictions_are_probabilities_with_a_decision(change: Change, accepted: bool) -> None:  # noqa: FBT001 - a table
    """A single wrong one says that serving is broken; which words a decision has is the policy's affair."""
    assert examine(load_suites("flight_delay")["served_predictions"], change(predictions())).accepted is accepted
