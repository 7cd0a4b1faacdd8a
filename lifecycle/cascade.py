"""Which scores a small model is sure of: where it decides as the version would, but for a share the policy allows.

The bands are found on rows that neither learned from. From each end of the scale a band is widened in fixed steps for
as long as an upper confidence limit on the share of rows decided otherwise stays within what is allowed; the first
step that cannot be vouched for ends it. Testing in a fixed order and stopping at the first failure keeps the error
probability without a correction for the number of steps: Angelopoulos et al. (2021), Learn then Test, section 2.3.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from lifecycle.cascade_policy import CascadePolicy

STEPS = 200
"""Places on the scale from 0 to 1 where a band may end."""
KNOTS = 500
"""Ranks at which two scales are compared."""


@dataclass(frozen=True)
class Bands:
    """The small model answers at or below `low`, and at or above `high`; None where it answers nothing on that side."""

    low: float | None
    high: float | None

    def any(self) -> bool:
        """Return whether there is any score that the small model is sure of."""
        return self.low is not None or self.high is not None

    def sure(self, scores: np.ndarray) -> np.ndarray:
        """Return which scores the small model is sure of, (n_rows,) bool.

        >>> Bands(low=0.1, high=None).sure(np.array([0.05, 0.1, 0.5, 0.99]))
        array([ True,  True, False, False])
        """
        sure = np.zeros(len(scores), dtype=bool)
        if self.low is not None:
            sure |= scores <= self.low
        if self.high is not None:
            sure |= scores >= self.high
        return sure


@dataclass(frozen=True)
class VersionScale:
    """Turns the scores that a small model is sure of into those its version gives at the same ranks.

    A small model's scores lie closer together than its version's. Whoever watches how the version's scores are spread
    must see them on one scale. `small` and `version` are scores of equal ranks, (n_knots,) each, rising.
    """

    small: np.ndarray
    version: np.ndarray

    def of(self, scores: np.ndarray) -> np.ndarray:
        """Return (n_rows,) scores on the version's scale."""
        scaled: np.ndarray = np.interp(scores, self.small, self.version)
        return scaled


NOWHERE = Bands(low=None, high=None)
"""Sure of nothing."""
SAME = VersionScale(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
"""Scores as they are."""


def sure_bands(version: np.ndarray, small: np.ndarray, threshold: float, policy: CascadePolicy) -> Bands:
    """Return the widest bands in which the small model decides otherwise than the version in a small enough share.

    `version` and `small` are (n_rows,) scores of the same rows, which neither model learned from; a score at or above
    `threshold` decides "positive". Of the rows in each band at most `decided_otherwise_at_most` are decided otherwise,
    both bands together with the policy's `confidence`. A band never reaches over the threshold.

    >>> policy = CascadePolicy(decided_otherwise_at_most=0.05, confidence=0.9)
    >>> scores = np.linspace(0, 1, 1001)
    >>> sure_bands(scores, scores, 0.5, policy)
    Bands(low=0.495, high=0.5)
    >>> sure_bands(scores[:10], scores[:10], 0.5, policy)
    Bands(low=None, high=None)
    """
    otherwise = (version >= threshold) != (small >= threshold)
    grid = np.arange(STEPS + 1) / STEPS
    # Half of the error probability each, because either band alone may be wrong.
    error = (1 - policy.confidence) / 2
    low = _reach(small, otherwise, grid[grid < threshold], policy.decided_otherwise_at_most, error)
    high = _reach(-small, otherwise, -grid[grid >= threshold][::-1], policy.decided_otherwise_at_most, error)
    return Bands(low, None if high is None else -high)


def version_scale(version: np.ndarray, small: np.ndarray, bands: Bands) -> VersionScale:
    """Return the scale of a version, from (n_rows,) scores of both models on rows that neither learned from.

    Without a row that the small model is sure of, scores stay as they are.

    >>> scale = version_scale(np.array([0.1, 0.2, 0.9]), np.array([0.2, 0.3, 0.6]), Bands(low=0.3, high=None))
    >>> scale.of(np.array([0.2, 0.25, 0.3])).round(3)
    array([0.1 , 0.15, 0.2 ])
    """
    sure = bands.sure(small)
    if not sure.any():
        return SAME
    ranks = np.linspace(0, 1, min(KNOTS, int(sure.sum())))
    knots, first = np.unique(np.quantile(small[sure], ranks), return_index=True)
    return VersionScale(knots, np.quantile(version[sure], ranks)[first])


def upper_limit(found: int, rows: int, error: float) -> float:
    """Return the Clopper-Pearson upper limit of a share, of which `found` of `rows` were seen; 1 for no rows.

    The true share is above it with probability `error` at most. Clopper and Pearson (1934).

    >>> round(upper_limit(0, 59, 0.05), 3)
    0.05
    """
    if found >= rows:
        return 1.0
    if found == 0:
        return float(1 - error ** (1 / rows))
    return float(beta.ppf(1 - error, found + 1, rows - found))


def _reach(scores: np.ndarray, otherwise: np.ndarray, ends: np.ndarray, at_most: float, error: float) -> float | None:
    """Return the last of `ends`, rising, up to which the share decided otherwise can be vouched for."""
    order = np.argsort(scores, kind="stable")
    inside = np.searchsorted(scores[order], ends, side="right")
    wrong = np.concatenate([[0], np.cumsum(otherwise[order])])
    reached = None
    for end, rows in zip(ends.tolist(), inside.tolist(), strict=True):
        if upper_limit(0, rows, error) > at_most:
            # Too few rows to vouch for anything, whatever they hold: no test was made.
            continue
        if upper_limit(int(wrong[rows]), rows, error) > at_most:
            break
        reached = end
    return reached
