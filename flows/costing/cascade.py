"""What a cascade would have made of recorded traffic: the share it answers, what it saves, and what it loses."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from flows.costing.traffic import Traffic
from flows.training.evaluate import measure_rows
from lifecycle.cascade import Bands, sure_bands
from lifecycle.cascade_policy import CascadePolicy
from lifecycle.charging import charges_of
from lifecycle.policy import Policy
from stores.predictor import Predictor, load_predictor
from stores.small import judged_rows, load_small
from stores.versions import VersionFiles

MODEL_TIER, SMALL_TIER = "model", "small"
TIMED_BATCHES = 200
"""Micro-batches that each model is timed on."""


@dataclass(frozen=True)
class Quality:
    """What answers turned out to be worth, on the rows whose outcome is known; None where there are none."""

    log_loss: float | None
    cost_per_row: float | None


@dataclass(frozen=True)
class Tried:
    """What the small model would have done to one version's traffic.

    `cheap` of its `rows` are answered by the small model, `otherwise` of these decided otherwise than they were.
    `judged_cheap_share` is the same share of the rows that both were judged on. Compute is in microseconds a row, as
    timed here and now in micro-batches of the recorded mean size; the cascade's is both models' together. Costs are in
    the policy's unit for 1,000 answers, None without prices.
    """

    version: str
    rows: int
    bands: Bands
    cheap: int
    otherwise: int
    judged_cheap_share: float
    labelled: int
    served: Quality
    cascade: Quality
    mean_batch_rows: float
    logged_us: float
    version_us: float
    small_us: float
    cascade_us: float
    served_cost: float | None
    cascade_cost: float | None


def try_cascade(traffic: Traffic, files: VersionFiles, policy: Policy, wanted: CascadePolicy) -> Tried | None:
    """Return what a cascade would have done, None for a version without a small model."""
    small, judged = load_small(files), judged_rows(files)
    if small is None or judged is None:
        return None
    version, threshold = load_predictor(files), policy.decision.threshold
    bands = sure_bands(judged[:, 1], judged[:, 2], threshold, wanted)
    scores = small.score(traffic.matrix)
    sure = bands.sure(scores)
    mixed = np.where(sure, scores, traffic.scores)
    rows, cheap = len(sure), int(sure.sum())
    size = max(1, round(traffic.mean_batch_rows))
    version_us, small_us, cascade_us = (
        _timed_us(score, traffic.matrix, size)
        for score in (version.score, small.score, _cascade(version, small, bands))
    )
    served_cost = cascade_cost = None
    if policy.serving.prices is not None:
        charges = charges_of(policy.serving.prices)
        share = cheap / rows
        served_cost = 1000 * charges.of(MODEL_TIER, version_us)
        prices = share * charges.of(SMALL_TIER, 0) + (1 - share) * charges.of(MODEL_TIER, 0)
        cascade_cost = 1000 * (prices + charges.attempt(cascade_us))
    known = ~np.isnan(traffic.labels)
    return Tried(
        version=traffic.version,
        rows=rows,
        bands=bands,
        cheap=cheap,
        otherwise=int((sure & ((scores >= threshold) != (traffic.scores >= threshold))).sum()),
        judged_cheap_share=float(bands.sure(judged[:, 2]).mean()),
        labelled=int(known.sum()),
        served=_quality(traffic.labels[known], traffic.scores[known], policy),
        cascade=_quality(traffic.labels[known], mixed[known], policy),
        mean_batch_rows=traffic.mean_batch_rows,
        logged_us=float(traffic.predict_us.mean()),
        version_us=version_us,
        small_us=small_us,
        cascade_us=cascade_us,
        served_cost=served_cost,
        cascade_cost=cascade_cost,
    )


def _cascade(version: Predictor, small: Predictor, bands: Bands) -> Callable[[np.ndarray], np.ndarray]:
    """Return the cascade as the gateway runs it: the small model on all rows, the version on what is left."""

    def score(matrix: np.ndarray) -> np.ndarray:
        scores = small.score(matrix)
        left = np.flatnonzero(~bands.sure(scores))
        if len(left):
            scores[left] = version.score(matrix[left])
        return scores

    return score


def _timed_us(score: Callable[[np.ndarray], np.ndarray], matrix: np.ndarray, size: int) -> float:
    """Return the median over micro-batches of what a row takes, in microseconds; evenly spread over the traffic."""
    starts = np.unique(np.linspace(0, max(0, len(matrix) - size), TIMED_BATCHES).round().astype(int))
    score(matrix[:size])
    taken = []
    for start in starts.tolist():
        batch = np.ascontiguousarray(matrix[start : start + size])
        began = time.perf_counter()
        score(batch)
        taken.append((time.perf_counter() - began) / len(batch))
    return float(np.median(taken) * 1e6)


def _quality(labels: np.ndarray, scores: np.ndarray, policy: Policy) -> Quality:
    measured = measure_rows(labels, scores, policy)
    return Quality(measured.log_loss, measured.cost_per_row)
