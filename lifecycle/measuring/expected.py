"""What to expect of answers whose labels are chances, and by how much each label moves it."""

import numpy as np
from scipy.special import logit

from lifecycle.measuring.answers import Answers, Array
from lifecycle.measuring.points import SURE, Point, brier, cost_per_row, log_loss, precision, recall
from lifecycle.measuring.ranking import auc
from lifecycle.policy import CostPolicy
from lifecycle.quality import FigureName

Expected = dict[FigureName, tuple[Point, Array]]
"""A metric's expected value, and by how much it moves when a row's label does, (n_rows,)."""


def expected(answers: Answers, cost: CostPolicy) -> Expected:
    """Return what can be expected of answers with chances for labels; what is undefined is left out."""
    rows, scores, labels = answers.rows, np.clip(answers.scores, SURE, 1 - SURE), answers.labels
    known = ~np.isnan(answers.warned)
    warned = np.where(known, answers.warned, 0.0)
    points: dict[FigureName, tuple[Point | None, Array]] = {
        "log_loss": (log_loss(answers), -logit(scores) / rows),
        "brier": (brier(answers), (1 - 2 * answers.scores) / rows),
        "auc": (auc(answers), _auc_moves(answers)),
    }
    decisions = float(known.sum())
    if decisions:
        hit = recall(answers)
        kept = float(labels[known].sum())
        points["cost_per_row"] = (
            cost_per_row(answers, cost.false_alarm, cost.missed),
            np.where(known, cost.missed * (1 - warned) - cost.false_alarm * warned, 0.0) / decisions,
        )
        points["precision"] = (precision(answers), warned / max(float(warned.sum()), 1.0))
        points["recall"] = (hit, np.where(known, warned - (hit.value if hit else 0.0), 0.0) / max(kept, SURE))
    return {name: (point, moves) for name, (point, moves) in points.items() if point is not None}


def _auc_moves(answers: Answers) -> Array:
    labels = answers.labels
    found = auc(answers)
    if found is None:
        return np.zeros(answers.rows)
    positives, negatives = labels.sum(), (1 - labels).sum()
    _, place = np.unique(answers.scores, return_inverse=True)
    up, down = np.bincount(place, labels), np.bincount(place, 1 - labels)
    beaten, beating = np.cumsum(down) - down / 2, positives - np.cumsum(up) + up / 2
    moves: Array = (beaten - beating)[place] - found.value * (negatives - positives)
    return np.asarray(moves / (positives * negatives), dtype=np.float64)
