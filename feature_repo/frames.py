"""Frames of feature rows as every view's `build` returns them, and the moments they are made for."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

USABLE_AFTER = timedelta(seconds=1)
"""A row made of one event is stamped this long after the event became known, so that a window of rows that
ends at `end` needs only events known before `end`. Online stores keep whole seconds, hence no shorter."""


def microseconds(span: timedelta) -> int:
    """Return a span in whole microseconds."""
    return span // timedelta(microseconds=1)


def known_microseconds(events: pd.DataFrame) -> np.ndarray:
    """Return each event's `known_at` in epoch microseconds, (n_events,) int64."""
    return events["known_at"].to_numpy("datetime64[us]").astype(np.int64)


def usable_microseconds(events: pd.DataFrame) -> np.ndarray:
    """Return when the one row of each event is stamped, epoch microseconds (n_events,) int64."""
    return known_microseconds(events) + microseconds(USABLE_AFTER)


def grid_moments(start: datetime, end: datetime, every: timedelta) -> np.ndarray:
    """Return the multiples of `every` in (start, end] as epoch microseconds, int64."""
    step = microseconds(every)
    first = microseconds(start - EPOCH) // step + 1
    last = microseconds(end - EPOCH) // step
    return np.arange(first, last + 1, dtype=np.int64) * step


def stamped_within(events: pd.DataFrame, start: datetime, end: datetime) -> pd.DataFrame:
    """Return the events whose one row is stamped in (start, end]."""
    usable_at = events["known_at"] + USABLE_AFTER
    return events.loc[(usable_at > start) & (usable_at <= end)]


def feature_rows(entity: np.ndarray, at: np.ndarray, features: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return rows of features, float64, with `entity` and `event_timestamp` from epoch microseconds (n_rows,)."""
    stamps = pd.Series(at.astype("datetime64[us]")).dt.tz_localize("UTC")
    keys = pd.Series(np.asarray(entity, dtype=object), dtype=object)
    columns = {name: np.asarray(values, dtype=np.float64) for name, values in features.items()}
    return pd.DataFrame({"entity": keys, "event_timestamp": stamps, **columns})
