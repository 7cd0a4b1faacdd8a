"""The feature views of the flight delay model, each with its owner, its freshness limit and its defaults."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from feature_repo.definition import Events, Feature, View
from feature_repo.flight_delay.delays import MEAN_DELAY_MINUTES, delay_view
from feature_repo.frames import USABLE_AFTER, feature_rows, known_microseconds, stamped_within, usable_microseconds
from lifecycle.recency import last_before
from lifecycle.windows import history_of

OWNER = "flight-operations"

WEATHER = (
    Feature("temperature_f", "Air temperature at the origin, degrees Fahrenheit", 55.0),
    Feature("humidity_percent", "Relative humidity at the origin", 60.0),
    Feature("wind_speed_mph", "Wind speed at the origin, miles per hour", 10.0),
    Feature("wind_gust_mph", "Wind gusts at the origin, miles per hour; 0 when none was reported", 0.0),
    Feature("precipitation_inches", "Precipitation at the origin in the hour, inches", 0.0),
    Feature("visibility_miles", "Visibility at the origin, miles", 10.0),
    Feature("pressure_millibars", "Sea level pressure at the origin", 1016.0),
)


def _weather_rows(events: Events, start: datetime, end: datetime) -> pd.DataFrame:
    seen = stamped_within(events["weather"], start, end)
    columns = {feature.name: seen[feature.name].to_numpy(np.float64) for feature in WEATHER}
    # Stations report a gust only when there is one.
    columns["wind_gust_mph"] = np.nan_to_num(columns["wind_gust_mph"], nan=0.0)
    return feature_rows(seen["origin"].to_numpy(), usable_microseconds(seen), columns)


def _plane_rows(events: Events, start: datetime, end: datetime) -> pd.DataFrame:
    outcomes = stamped_within(events["outcomes"], start, end)
    with_plane = outcomes["tail_number"].notna() & outcomes["arrival_delay_minutes"].notna()
    landed = outcomes.loc[with_plane & (outcomes["status"] == "landed")]
    values = {
        "delay": landed["arrival_delay_minutes"].to_numpy(np.float64).astype(np.int64),
        "landed": landed["landed_at"].to_numpy("datetime64[s]").astype(np.int64),
    }
    history = history_of(landed["tail_number"].to_numpy(), known_microseconds(landed), values)
    moments = landed[["tail_number"]].assign(at=usable_microseconds(landed)).drop_duplicates()
    planes, at = moments["tail_number"].to_numpy(), moments["at"].to_numpy(np.int64)
    codes = history.codes_of(planes)
    columns = {
        "last_landed_at_epoch": last_before(history, codes, at, "landed"),
        "last_arrival_delay_minutes": last_before(history, codes, at, "delay"),
    }
    return feature_rows(planes, at, columns)


def _fact_rows(events: Events, start: datetime, end: datetime) -> pd.DataFrame:
    planes = stamped_within(events["planes"], start, end)
    columns = {name: planes[name].to_numpy(np.float64) for name in ("built_year", "seats")}
    return feature_rows(planes["tail_number"].to_numpy(), usable_microseconds(planes), columns)


def _route(outcomes: pd.DataFrame) -> "pd.Series[str]":
    return outcomes["origin"] + "-" + outcomes["dest"]


VIEWS = (
    delay_view("carrier", lambda outcomes: outcomes["carrier"], timedelta(minutes=30), timedelta(hours=6)),
    delay_view("origin", lambda outcomes: outcomes["origin"], timedelta(minutes=15), timedelta(hours=6)),
    delay_view("route", _route, timedelta(hours=1), timedelta(hours=6)),
    View(
        name="origin_weather",
        entity="origin",
        owner=OWNER,
        description="The latest complete hourly weather observation at the airport the flight leaves from",
        features=WEATHER,
        freshness_limit=timedelta(hours=6),
        lookback=USABLE_AFTER,
        streams=("weather",),
        build=_weather_rows,
    ),
    View(
        name="plane_recent",
        entity="tail_number",
        owner=OWNER,
        description="The plane's last landing after a flight from New York",
        features=(
            Feature("last_landed_at_epoch", "When the plane last landed, seconds since 1970 UTC", 0.0),
            Feature("last_arrival_delay_minutes", "Arrival delay of that flight in minutes", MEAN_DELAY_MINUTES),
        ),
        freshness_limit=timedelta(days=14),
        lookback=USABLE_AFTER,
        streams=("outcomes",),
        build=_plane_rows,
    ),
    View(
        name="plane_facts",
        entity="tail_number",
        owner=OWNER,
        description="What the registry says about the plane; it does not change, so the limit is 20 years",
        features=(
            Feature("built_year", "Year the plane was built", 2001.0),
            Feature("seats", "Seats in the plane", 149.0),
        ),
        freshness_limit=timedelta(days=20 * 365),
        lookback=USABLE_AFTER,
        streams=("planes",),
        build=_fact_rows,
    ),
)
