"""The Kolmogorov-Smirnov distance, on bins."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def kolmogorov_smirnov(current: Array, baseline: Array) -> tuple[float, int]:
    """Return the largest gap between two cumulative distributions, 0 to 1, and the bin after which it is found.

    Both are counts (n_bins,) of rising bins, not all 0. Between the edges nothing is seen, so the distance is that of
    the unbinned values or less, by at most the share of the bin in which they gape. What is certain about it is the
    rank test's to say.

    >>> kolmogorov_smirnov(np.array([1.0, 3.0, 0.0]), np.array([3.0, 1.0, 0.0]))
    (0.5, 0)
    """
    gaps = np.abs(np.cumsum(current) / current.sum() - np.cumsum(baseline) / baseline.sum())
    widest = int(np.argmax(gaps))
    return float(gaps[widest]), widest
