"""How far a candidate's mean stands from its baseline's, at every look at once, from sums over clusters."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lifecycle.evidence import Means

Array = npt.NDArray[np.float64]

TUNED_TO_CLUSTERS = 48
"""The bounds are tightest around two days of hours; they hold at every number."""
MINIMUM_CLUSTERS = 20
"""With fewer, sums are too few for their means to be near normal, whatever the formula says."""
EVERY_LEVEL = 0.01


@dataclass(frozen=True)
class Estimate:
    """A mean, or the difference of two, and the error of it that one sample of these clusters has."""

    value: float
    candidate: float
    baseline: float | None
    standard_error: float
    clusters: int


def estimate(means: Means) -> Estimate | None:
    """Return what the sums say; None without rows of the candidate or, in a comparison, of the baseline.

    >>> outer = tuple(float(a * b) for a in (6, 10, 4, 10) for b in (6, 10, 4, 10))
    >>> seen = estimate(Means(clusters=1, totals=(6, 10, 4, 10), products=outer))
    >>> round(seen.value, 9), seen.candidate, seen.baseline
    (0.2, 0.6, 0.4)
    """
    total, rows, beside, rows_beside = means.totals
    compared = rows_beside > 0
    if rows <= 0 or means.clusters < 1:
        return None
    value, error = spread(np.asarray(means.totals), np.asarray(means.products), np.asarray(means.clusters))
    return Estimate(
        value=float(value),
        candidate=total / rows,
        baseline=beside / rows_beside if compared else None,
        standard_error=float(error),
        clusters=means.clusters,
    )


def spread(totals: Array, products: Array, clusters: npt.ArrayLike) -> tuple[Array, Array]:
    """Return (…,) differences of means and their standard errors from (…, 4) totals and (…, 16) products.

    A mean is a ratio of sums, linearised: a cluster moves it by what its sum is beyond its rows times the mean. Rows
    of one cluster may depend on each other as they like, and so may the two arms. Parts without rows count as 0. Sums
    that never vary have no error, so what happens rarely belongs to a rate, not to a mean.
    """
    n = np.asarray(clusters, dtype=np.float64)
    rows, beside = np.maximum(totals[..., 1], 1e-300), np.maximum(totals[..., 3], 1e-300)
    ours, theirs = totals[..., 0] / rows, np.where(totals[..., 3] > 0, totals[..., 2] / beside, 0.0)
    absent = totals[..., 3] <= 0
    weights = np.stack(
        (1.0 / rows, -ours / rows, np.where(absent, 0.0, -1.0 / beside), np.where(absent, 0.0, theirs / beside)),
        axis=-1,
    )
    square = products.reshape(*products.shape[:-1], 4, 4)
    variance = np.einsum("...i,...ij,...j->...", weights, square, weights) * n / np.maximum(n - 1.0, 1.0)
    return np.asarray(ours - theirs), np.sqrt(np.maximum(variance, 0.0))


def radius(standard_error: npt.ArrayLike, clusters: npt.ArrayLike, probability: float) -> Array:
    """Return how far the truth may lie from an estimate; at any look ever, further with at most `probability`.

    Student's t made anytime-valid by a normal mixture over the effect size (Lindon, Ham, Tingley & Bojinov,
    Anytime-valid inference in linear models, 2022): exact for normal clusters whose variance is not known, and with
    many clusters the asymptotic confidence sequence of Waudby-Smith et al. (Annals of Statistics, 2024). For clusters
    that are not normal it is an approximation, so below MINIMUM_CLUSTERS it is infinite; it also is while the clusters
    are too few for any difference to be proof at this probability.

    >>> [round(float(radius(1.0, n, 0.01)), 2) for n in (11, 24, 168)]
    [inf, 4.21, 3.7]
    """
    n = np.asarray(clusters, dtype=np.float64)
    level = -2.0 * np.log(EVERY_LEVEL)
    weight = 1.0 + n * (level + np.log(level + 1.0)) / TUNED_TO_CLUSTERS
    needed = (weight / probability**2) ** (1.0 / np.maximum(n, 1.0))
    enough = (n >= MINIMUM_CLUSTERS) & (needed < weight)
    within = np.where(enough, 1.0 - needed / weight, 1.0)
    squared = np.maximum(n - 1.0, 1.0) * (needed - 1.0) / within
    return np.asarray(np.where(enough, np.sqrt(squared) * np.asarray(standard_error), np.inf), dtype=np.float64)
