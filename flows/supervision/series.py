"""What happened span by span: how the champion's figures run on, so that a change shows at once."""

import numpy as np
import pandas as pd

from flows.supervision.latencies import batch_times
from lifecycle.evidence import Series, Tally

SPAN_SECONDS = 30.0
SPAN_US = int(SPAN_SECONDS * 1_000_000)


def error_series(rows: pd.DataFrame) -> Series:
    """Return failures span by span; what a unit asks again within a span and an hour counts once."""
    return _series(rows["served_us"].to_numpy(), rows["asked"].to_numpy(), rows["failed"].to_numpy())


def slow_series(rows: pd.DataFrame, limit_ms: float) -> Series:
    """Return micro-batches that took longer than a limit in milliseconds, span by span."""
    batches = batch_times(rows)
    slow = (batches["ms"] > limit_ms).to_numpy()
    return _series(batches["served_us"].to_numpy(), np.arange(len(batches)), slow)


def _series(served_us: np.ndarray, observed: np.ndarray, events: np.ndarray) -> Series:
    """Return the spans from the first with a row to the last; those between them without one are empty."""
    if not len(served_us):
        return Series(span_seconds=SPAN_SECONDS, tallies=())
    span = served_us // SPAN_US
    rows = pd.DataFrame({"span": span - span.min(), "observed": observed, "event": events})
    counted = rows.groupby(["span", "observed"], sort=False)["event"].any().reset_index()
    spans = int(counted["span"].max()) + 1
    observations = np.bincount(counted["span"], minlength=spans)
    happened = np.bincount(counted["span"], counted["event"].astype(float), minlength=spans)
    tallies = tuple(
        Tally.model_construct(events=int(event), observations=int(observation))
        for event, observation in zip(happened, observations, strict=True)
    )
    return Series(span_seconds=SPAN_SECONDS, tallies=tallies)
