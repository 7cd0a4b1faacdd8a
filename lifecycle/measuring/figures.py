"""All metrics of some answers, each with its interval."""

import numpy as np

from lifecycle.measuring.answers import Answers
from lifecycle.measuring.intervals import gap_interval, positive_interval, share_interval
from lifecycle.measuring.points import (
    Point,
    brier,
    calibration_error,
    cost_per_row,
    log_loss,
    precision,
    recall,
)
from lifecycle.measuring.ranking import auc, average_precision
from lifecycle.policy import CostPolicy
from lifecycle.quality import Figure, FigureName, Figures

Interval = tuple[float, float] | None


def measure_answers(answers: Answers, cost: CostPolicy, level: float) -> Figures:
    """Return the figures of labelled answers; each interval is wrong in at most 1 - `level` of all cases."""
    scored = answers.scored()
    points: dict[FigureName, tuple[Point | None, float]] = {
        "auc": (auc(scored), 1.0),
        "average_precision": (average_precision(scored), 1.0),
        "brier": (brier(scored), 1.0),
        "precision": (precision(answers), 1.0),
        "recall": (recall(answers), 1.0),
        "cost_per_row": (cost_per_row(answers, cost.false_alarm, cost.missed), max(cost.false_alarm, cost.missed)),
    }
    found = {
        name: figure(point, share_interval(point, level, most) if most > 0 else None)
        for name, (point, most) in points.items()
        if point is not None
    }
    loss, gap = log_loss(scored), calibration_error(scored)
    return Figures(
        rows=answers.rows,
        positives=round(float(answers.labels.sum())),
        hours=len(np.unique(answers.hours)),
        log_loss=None if loss is None else figure(loss, positive_interval(loss, level)),
        calibration_error=None if gap is None else figure(gap, gap_interval(gap, level)),
        **found,
    )


def figure(point: Point, interval: Interval) -> Figure:
    """Return a point with its interval as plain numbers."""
    low, high = interval or (None, None)
    return Figure(value=point.value, low=low, high=high)
