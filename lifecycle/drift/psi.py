"""The population stability index, and what chance alone makes of it."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

IN_PLACE_OF_NOTHING = 0.5
"""Rows that an empty bin is taken to hold, because the logarithm of 0 is no number."""


def psi(current: Array, baseline: Array) -> float:
    """Return the sum of (p - q) ln(p / q) over bins, 0 for equal shares; both are counts (n_bins,), not all 0.

    A bin that both left empty says nothing. One that a single side left empty counts as half a row there.

    >>> round(psi(np.array([60.0, 40.0]), np.array([50.0, 50.0])), 4)
    0.0405
    """
    used = (current > 0) | (baseline > 0)
    now = np.maximum(current[used], IN_PLACE_OF_NOTHING) / current.sum()
    then = np.maximum(baseline[used], IN_PLACE_OF_NOTHING) / baseline.sum()
    return float(((now - then) * np.log(now / then)).sum())


def expected_psi(bins: int, noise: float) -> float:
    """Return the mean of PSI while nothing moved, (bins - 1) * noise.

    `bins` are those that either side uses and `noise` is 1/n + 1/m for independent rows, more for rows that come in
    clusters (Yurdakul, Statistical properties of population stability index, 2018).

    >>> round(expected_psi(10, 1 / 100 + 1 / 100), 3)
    0.18
    """
    return max(bins - 1, 0) * noise
