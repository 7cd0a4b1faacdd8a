"""Whether values have moved up or down: a rank test on bins."""

import numpy as np
import numpy.typing as npt

from lifecycle.day_correlation import middle_ranks
from lifecycle.drift.tail import two_sided

Array = npt.NDArray[np.float64]


def rank_p_value(current: Array, baseline: Array, rows: float, baseline_rows: float) -> float:
    """Return the chance of mean ranks so far apart while nothing moved.

    `current` and `baseline` are counts (n_bins,) of rising bins, not all 0; `rows` and `baseline_rows` are the
    independent rows that they are worth. This is the Wilcoxon-Mann-Whitney test with the values of one bin tied. It
    looks in one direction, so it finds a shift that a chi-square over twenty bins would still call chance.

    >>> then = np.full(20, 50.0)
    >>> now = np.where(np.arange(20) < 10, 4.0, 6.0)
    >>> 0.04 < rank_p_value(now, then, 100, 1000) < 0.1, rank_p_value(then, then, 1000, 1000)
    (True, 1.0)
    """
    ours, theirs = current / current.sum(), baseline / baseline.sum()
    shares = (rows * ours + baseline_rows * theirs) / (rows + baseline_rows)
    places = middle_ranks(shares)
    gap = abs(float((ours - theirs) @ places))
    return two_sided(gap, places, shares, rows, baseline_rows)
