"""What a model's answers cost the business: wrong answers counted at a threshold, and priced."""

from dataclasses import dataclass

import numpy as np

from lifecycle.policy import CostPolicy


@dataclass(frozen=True)
class Confusion:
    """How many answers of each kind, at one threshold."""

    caught: int
    false_alarms: int
    missed: int
    left_alone: int


def count_answers(labels: np.ndarray, scores: np.ndarray, threshold: float) -> Confusion:
    """Return the confusion counts when a score at or above the threshold is answered "positive".

    `labels` is (n_rows,) of 0 and 1, `scores` (n_rows,) probabilities.

    >>> count_answers(np.array([1, 0, 1, 0]), np.array([0.9, 0.5, 0.2, 0.1]), threshold=0.5)
    Confusion(caught=1, false_alarms=1, missed=1, left_alone=1)
    """
    positive = labels == 1
    warned = scores >= threshold
    return Confusion(
        caught=int(np.count_nonzero(positive & warned)),
        false_alarms=int(np.count_nonzero(~positive & warned)),
        missed=int(np.count_nonzero(positive & ~warned)),
        left_alone=int(np.count_nonzero(~positive & ~warned)),
    )


def cost_per_row(labels: np.ndarray, scores: np.ndarray, threshold: float, cost: CostPolicy) -> float:
    """Return the mean cost of an answer in the policy's unit, at least 0; nan for no rows.

    >>> policy = CostPolicy(false_alarm=1, missed=3)
    >>> cost_per_row(np.array([1, 0, 1, 0]), np.array([0.9, 0.5, 0.2, 0.1]), 0.5, policy)
    1.0
    """
    if len(labels) == 0:
        return float("nan")
    counts = count_answers(labels, scores, threshold)
    return (counts.false_alarms * cost.false_alarm + counts.missed * cost.missed) / len(labels)


def cost_curve(labels: np.ndarray, scores: np.ndarray, thresholds: np.ndarray, cost: CostPolicy) -> np.ndarray:
    """Return the cost per row at each threshold, (n_thresholds,).

    >>> policy = CostPolicy(false_alarm=1, missed=3)
    >>> cost_curve(np.array([1, 0]), np.array([0.8, 0.6]), np.array([0.5, 0.7, 0.9]), policy)
    array([0.5, 0. , 1.5])
    """
    return np.array([cost_per_row(labels, scores, float(threshold), cost) for threshold in thresholds])


def break_even_threshold(cost: CostPolicy) -> float:
    """Return the probability from which warning is the cheaper answer, if scores are calibrated.

    Elkan (2001), The Foundations of Cost-Sensitive Learning, equation 2. nan when nothing costs anything.

    >>> break_even_threshold(CostPolicy(false_alarm=1, missed=3))
    0.25
    """
    total = cost.false_alarm + cost.missed
    return cost.false_alarm / total if total else float("nan")
