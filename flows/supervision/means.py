"""Sums by hour of what each row lost or cost, on one side or on both."""

import numpy as np
import pandas as pd

from flows.supervision.rows import Sides
from lifecycle.evidence import Means
from lifecycle.policy import Policy

SURE = 1e-6
"""A score nearer to 0 or 1 than this counts as this near, so that one wrong answer cannot outweigh all others."""


def losses(metric: str, rows: pd.DataFrame, policy: Policy) -> np.ndarray:
    """Return what each labelled row lost, (n_rows,) float64 at least 0; nan without a label or an answer."""
    label, score = rows["label"].to_numpy("float64"), rows["score"].to_numpy("float64")
    lost: np.ndarray
    if metric == "brier":
        lost = (score - label) ** 2
        return lost
    if metric == "log_loss":
        chance = np.clip(score, SURE, 1 - SURE)
        lost = -np.log(np.where(label == 1, chance, 1 - chance))
        return np.where(np.isnan(label), np.nan, lost)
    # The decision, not the score: overrides and safety filters cost what they cost.
    warned = (rows["decision"] == policy.decision.positive).to_numpy()
    cost = np.where(warned, policy.cost.false_alarm * (label == 0), policy.cost.missed * (label == 1))
    return np.where(np.isnan(label) | rows["decision"].isna().to_numpy(), np.nan, cost)


def loss_means(metric: str, sides: Sides, policy: Policy) -> Means:
    """Return the sums of what both sides lost; of pairs, only those of which both are known."""
    mine = losses(metric, sides.candidate, policy)
    if sides.baseline is None:
        return clustered(sides.candidate["hour"].to_numpy(), mine)
    its = losses(metric, sides.baseline, policy)
    if sides.paired:
        both = ~np.isnan(mine) & ~np.isnan(its)
        mine, its = np.where(both, mine, np.nan), np.where(both, its, np.nan)
    hours, its_hours = sides.candidate["hour"].to_numpy(), sides.baseline["hour"].to_numpy()
    # One pair is in one hour, whatever moment each of the two wrote down.
    return clustered(hours, mine, hours if sides.paired else its_hours, its)


def score_differences(sides: Sides) -> Means:
    """Return the sums of how far apart the two scores of a pair are, in either direction."""
    if sides.baseline is None or not sides.paired:
        raise ValueError("only the two of a pair can differ")
    apart = np.abs(sides.candidate["score"].to_numpy("float64") - sides.baseline["score"].to_numpy("float64"))
    return clustered(sides.candidate["hour"].to_numpy(), apart)


def clustered(
    hours: np.ndarray,
    values: np.ndarray,
    baseline_hours: np.ndarray | None = None,
    baseline_values: np.ndarray | None = None,
) -> Means:
    """Return the sums and products of values by hour, (n_rows,) each; a value that is nan is left out.

    >>> clustered(np.array([1, 1, 2]), np.array([1.0, 2.0, 4.0])).totals
    (7.0, 3.0, 0.0, 0.0)
    """
    known = ~np.isnan(values)
    hours, values = hours[known], values[known]
    if baseline_hours is None or baseline_values is None:
        baseline_hours, baseline_values = np.empty(0, np.int64), np.empty(0)
    beside = ~np.isnan(baseline_values)
    baseline_hours, baseline_values = baseline_hours[beside], baseline_values[beside]
    every, place = np.unique(np.concatenate([hours, baseline_hours]), return_inverse=True)
    mine, its = place[: len(hours)], place[len(hours) :]
    n = len(every)
    vectors = np.column_stack(
        [
            np.bincount(mine, values, n),
            np.bincount(mine, minlength=n),
            np.bincount(its, baseline_values, n),
            np.bincount(its, minlength=n),
        ]
    ).astype(np.float64)
    a, b, c, d = (float(total) for total in vectors.sum(axis=0))
    products = tuple(float(product) for product in (vectors.T @ vectors).ravel())
    return Means(clusters=n, totals=(a, b, c, d), products=products)
