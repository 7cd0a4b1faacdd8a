"""How long micro-batches took, against a limit or against the control group's own mark."""

import numpy as np
import pandas as pd

from flows.supervision.rows import Sides
from lifecycle.evidence import Latencies, Rates, Tally

BATCHES_FOR_THE_MARK = 200
"""The control group's first micro-batches set the mark, and count nowhere else."""
NOTHING = Tally(events=0, observations=0)


def batch_times(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per micro-batch in the order of serving: `served_us` and `ms` from arrival to score.

    A batch that was never timed, because it ended before, is left out.
    """
    took = rows["queue_us"] + rows["features_us"] + rows["predict_us"]
    timed = rows.assign(ms=took / 1000)[["batch", "served_us", "ms"]].dropna(subset="ms")
    # The stages after the queue are the batch's own, so its longest wait makes its longest time.
    return timed.groupby("batch", sort=False).max().sort_values("served_us", kind="stable")


def against_limit(sides: Sides, limit_ms: float) -> Latencies:
    """Return how many of the candidate's micro-batches took longer than a limit in milliseconds."""
    slow = _beyond(batch_times(sides.candidate), limit_ms)
    return Latencies(mark_ms=limit_ms, at_mark=Rates(candidate=slow, baseline=None), beyond=slow)


def against_control(sides: Sides, quantile: float, margin_percent: float) -> Latencies:
    """Return how many micro-batches of both sides took longer than the control's quantile of its first ones.

    Both sides count from when the mark stood, so that neither has a longer warm-up among its figures.
    """
    if sides.baseline is None:
        raise ValueError("a mark is the baseline's")
    control = batch_times(sides.baseline)
    if len(control) < BATCHES_FOR_THE_MARK:
        return Latencies(mark_ms=None, at_mark=Rates(candidate=NOTHING, baseline=NOTHING), beyond=NOTHING)
    first, later = control.iloc[:BATCHES_FOR_THE_MARK], control.iloc[BATCHES_FOR_THE_MARK:]
    mark = float(np.quantile(first["ms"], quantile, method="inverted_cdf"))
    candidate = batch_times(sides.candidate)
    candidate = candidate[candidate["served_us"] > first["served_us"].iloc[-1]]
    at_mark = Rates(candidate=_beyond(candidate, mark), baseline=_beyond(later, mark))
    return Latencies(mark_ms=mark, at_mark=at_mark, beyond=_beyond(candidate, mark * (1 + margin_percent / 100)))


def _beyond(batches: pd.DataFrame, limit_ms: float) -> Tally:
    return Tally(events=int((batches["ms"] > limit_ms).sum()), observations=len(batches))
