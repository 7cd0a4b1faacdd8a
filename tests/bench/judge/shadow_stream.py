"""A shadow stage, look by look: sums over hours of paired log losses, whose labels come late."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from tests.bench.judge.bench_policy import SLICES
from tests.bench.judge.scenarios import NOISE, Scenario

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

HOURS = 96
ROWS_PER_HOUR = 600
LOOKS_PER_HOUR = 12
LABEL_DELAY_HOURS = 2
ONE_FAILED = 0.002
HOURLY_TRUTH = 0.3


@dataclass(frozen=True)
class ShadowStream:
    """(looks,), (looks, SLICES + 1, 4) and (looks, SLICES + 1, 16) running sums, the last scope for all rows.

    `points` are each hour's mean log loss: (hours, SLICES + 1, 2 arms).
    """

    rows: Ints
    labelled: Ints
    hours: Floats
    clusters: Ints
    totals: Floats
    products: Floats
    only_one_failed: tuple[Ints, Ints]
    points: Floats


def draw_shadow(rng: np.random.Generator, scenario: Scenario) -> ShadowStream:
    """Return the stage: an hour's outcomes share a shift that neither version knew, labels come two hours late."""
    shape = (HOURS, ROWS_PER_HOUR)
    truth = rng.normal(-1.2, 1.0, shape)
    late = rng.random(shape) < expit(truth + rng.normal(0.0, HOURLY_TRUTH, (HOURS, 1)))
    scope = rng.integers(0, SLICES, shape)
    noise = np.where(scope == 0, scenario.slice_noise, NOISE)
    losses = [_log_loss(truth + rng.normal(size=shape) * spread, late) for spread in (noise, NOISE)]
    look = np.broadcast_to(np.arange(ROWS_PER_HOUR) * LOOKS_PER_HOUR // ROWS_PER_HOUR, shape)
    cell = ((np.arange(HOURS)[:, None] * LOOKS_PER_HOUR + look) * SLICES + scope).ravel()
    size, grid = HOURS * LOOKS_PER_HOUR * SLICES, (HOURS, LOOKS_PER_HOUR, SLICES)
    sums = [np.bincount(cell, weights=loss.ravel(), minlength=size).reshape(grid) for loss in losses]
    counts = np.bincount(cell, minlength=size).reshape(grid).astype(np.float64)
    vectors = np.stack((sums[0], counts, sums[1], counts), axis=-1)
    vectors = np.concatenate((vectors, vectors.sum(axis=2, keepdims=True)), axis=2)
    within = vectors.cumsum(axis=1)
    outer = (within[..., :, None] * within[..., None, :]).reshape(*within.shape[:-1], 16)
    before = np.concatenate((np.zeros((1, *within[0, -1].shape)), within[:, -1].cumsum(axis=0)[:-1]))
    before_outer = np.concatenate((np.zeros((1, *outer[0, -1].shape)), outer[:, -1].cumsum(axis=0)[:-1]))
    looks = HOURS * LOOKS_PER_HOUR
    labelled = np.arange(1, looks + 1) * ROWS_PER_HOUR // LOOKS_PER_HOUR
    rows = labelled + LABEL_DELAY_HOURS * ROWS_PER_HOUR
    apart = [rng.binomial(ROWS_PER_HOUR // LOOKS_PER_HOUR, ONE_FAILED, looks).cumsum() for _ in range(2)]
    hour = within[:, -1]
    return ShadowStream(
        rows=rows,
        labelled=labelled,
        hours=rows / ROWS_PER_HOUR,
        clusters=np.arange(looks) // LOOKS_PER_HOUR + 1,
        totals=(before[:, None] + within).reshape(looks, SLICES + 1, 4),
        products=(before_outer[:, None] + outer).reshape(looks, SLICES + 1, 16),
        only_one_failed=(apart[0], apart[1]),
        points=np.stack((hour[..., 0] / hour[..., 1], hour[..., 2] / hour[..., 3]), axis=-1),
    )


def _log_loss(logit: Floats, late: npt.NDArray[np.bool_]) -> Floats:
    return np.asarray(np.logaddexp(0.0, np.where(late, -logit, logit)), dtype=np.float64)
