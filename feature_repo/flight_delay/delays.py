"""Windowed delays: of the flights that landed in the last hours, how many, how late, how often late."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import pandas as pd

from feature_repo.definition import Events, Feature, View
from feature_repo.flight_delay.examples import LATE_MINUTES
from feature_repo.frames import feature_rows, grid_moments, known_microseconds, microseconds
from lifecycle.windows import History, history_of, window_before

WINDOWS = {"3h": timedelta(hours=3), "24h": timedelta(hours=24), "7d": timedelta(days=7)}

REMEMBERED = timedelta(days=8)
"""An entity has a row for as long as it had a landing in the last 8 days: a day longer than the longest
window, so that rows saying "nothing landed" follow the last landing until the row before has gone stale."""

MEAN_DELAY_MINUTES = 5.9
LATE_RATE = 0.23
"""What stands in where nothing landed: the averages of January to March 2013."""

EntityOf = Callable[[pd.DataFrame], "pd.Series[str]"]


def delay_view(entity: str, entity_of: EntityOf, every: timedelta, freshness_limit: timedelta) -> View:
    """Return the view of an entity's windowed arrival delays, a row on each multiple of `every`."""
    return View(
        name=f"{entity}_delays",
        entity=entity,
        owner="flight-operations",
        description=f"Arrival delays of the {entity}'s flights from New York that landed in the last 3 h, 24 h and 7 d",
        features=tuple(feature for label in WINDOWS for feature in _features(entity, label)),
        freshness_limit=freshness_limit,
        lookback=REMEMBERED,
        streams=("outcomes",),
        build=partial(_build, entity=entity, entity_of=entity_of, every=every),
    )


def _features(entity: str, label: str) -> tuple[Feature, Feature, Feature]:
    of = f"of the {entity} in the last {label}"
    return (
        Feature(f"{entity}_count_{label}", f"Flights {of} that landed", 0.0),
        Feature(f"{entity}_mean_delay_{label}", f"Mean arrival delay in minutes {of}", MEAN_DELAY_MINUTES),
        Feature(f"{entity}_late_rate_{label}", f"Share of flights {of} over 15 minutes late", LATE_RATE),
    )


def _build(
    events: Events, start: datetime, end: datetime, *, entity: str, entity_of: EntityOf, every: timedelta
) -> pd.DataFrame:
    history = _landed(entity_of, events["outcomes"])
    moments = grid_moments(start, end, every)
    codes = np.repeat(np.arange(history.entities.size, dtype=np.int64), moments.size)
    at = np.tile(moments, history.entities.size)
    remembered = window_before(history, codes, at, microseconds(REMEMBERED)).count > 0
    codes, at = codes[remembered], at[remembered]
    columns: dict[str, np.ndarray] = {}
    for label, width in WINDOWS.items():
        window = window_before(history, codes, at, microseconds(width))
        columns[f"{entity}_count_{label}"] = window.count
        columns[f"{entity}_mean_delay_{label}"] = window.mean("delay")
        columns[f"{entity}_late_rate_{label}"] = window.mean("late")
    return feature_rows(history.entities[codes], at, columns)


def _landed(entity_of: EntityOf, outcomes: pd.DataFrame) -> History:
    landed = outcomes.loc[(outcomes["status"] == "landed") & outcomes["arrival_delay_minutes"].notna()]
    delay = landed["arrival_delay_minutes"].to_numpy(np.float64).astype(np.int64)
    values = {"delay": delay, "late": (delay > LATE_MINUTES).astype(np.int64)}
    return history_of(entity_of(landed).to_numpy(), known_microseconds(landed), values)
