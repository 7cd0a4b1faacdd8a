"""Recency: what an entity's last event was, and how long ago."""

import numpy as np

from lifecycle.windows import UNKNOWN, Floats, History, Ints


def last_before(history: History, codes: Ints, at: Ints, value: str) -> Floats:
    """Return the value (n_queries,) of each entity's last event known before `at`; NaN when there is none."""
    end = history.first_at_or_after(codes, at)
    first = history.first_at_or_after(codes, np.full(at.shape, np.iinfo(np.int64).min))
    seen = (codes != UNKNOWN) & (end > first)
    if history.places.size == 0:
        return np.full(at.shape, np.nan)
    latest: Floats = np.where(seen, history.values[value][np.maximum(end - 1, 0)], np.nan)
    return latest


def minutes_since(then: Floats, now: Floats, at_most: float) -> Floats:
    """Return the minutes from `then` to `now`, epoch seconds both, cut off at `at_most`; NaN where `then` is.

    >>> minutes_since(np.array([0.0, 0.0, np.nan]), np.array([600.0, 9e9, 600.0]), at_most=1440)
    array([  10., 1440.,   nan])
    """
    return np.minimum((now - then) / 60, at_most)
