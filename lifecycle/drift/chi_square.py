"""Whether shares have changed at all: a chi-square that allows for rows that come by days."""

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincc

from lifecycle.drift.sizes import Sizes

Array = npt.NDArray[np.float64]

HALVINGS = 30


def chi_square(current: Array, baseline: Array, groups: npt.NDArray[np.int64]) -> tuple[float, int]:
    """Return the sum of (p - q)^2 / pooled share over groups of bins, and how many groups hold rows.

    `current` and `baseline` are counts (n_bins,), not all 0. Divided by 1/n + 1/m it is Pearson's chi-square of a table
    of two rows.

    >>> chi_square(np.array([60.0, 40.0]), np.array([40.0, 60.0]), np.array([0, 1]))
    (0.16, 2)
    """
    now, then = np.bincount(groups, weights=current), np.bincount(groups, weights=baseline)
    used = now + then > 0
    now, then = now[used], then[used]
    pooled = (now + then) / (current.sum() + baseline.sum())
    gaps = now / current.sum() - then / baseline.sum()
    return float(np.round((gaps**2 / pooled).sum(), 12)), int(used.sum())


def chi_square_p_value(distance: float, groups: int, bins: int, sizes: Sizes, *, mean: float, largest: float) -> float:
    """Return the chance of such a distance over `groups` of `bins`, while nothing moved; 1 for fewer than two groups.

    Of rows that come by days, each direction in which shares can move varies by its own factor. The sum of unequally
    weighted chi-squares is taken for a multiple of one with fewer degrees of freedom (Satterthwaite; Rao & Scott, On
    chi-squared tests for multiway contingency tables with cell proportions estimated from survey data, Annals of
    Statistics 1984, second order), with the correlations of `spectrum`. With both 0 this is Pearson's test.

    >>> sizes = Sizes(100, 100, 10, 10)
    >>> round(chi_square_p_value(0.16, 2, 2, sizes, mean=0, largest=0), 4)
    0.0047
    >>> chi_square_p_value(0.16, 2, 2, sizes, mean=0.5, largest=0.5) > 0.1
    True
    """
    if groups < 2:  # noqa: PLR2004 - one group is all rows, on both sides
        return 1.0
    noise = np.array([sizes.noise(alike) for alike in spectrum(mean, largest, bins - 1)[: groups - 1]])
    total, squares = float(noise.sum()), float((noise**2).sum())
    scale, degrees = squares / total, total**2 / squares
    return float(gammaincc(degrees / 2.0, distance / scale / 2.0))


def spectrum(mean: float, largest: float, directions: int) -> list[float]:
    """Return the correlation by day of each direction in which shares can move, from the largest down.

    They are taken to fall by one factor from `largest` (that of the ranks), to the measured `mean`: so they do when a
    day moves a normal variable, whose rows of one day are then alike by r, r^2, r^3, ... (Lancaster, The structure of
    bivariate distributions, 1958). The first are the smooth directions, which are those that joined bins keep.

    >>> [round(alike, 3) for alike in spectrum(0.25, 0.5, 3)]
    [0.5, 0.183, 0.067]
    >>> spectrum(0.2, 0.1, 2)
    [0.2, 0.2]
    """
    if largest <= mean:
        return [mean] * directions
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        factor = (low + high) / 2.0
        reached = largest * (1.0 - factor**directions) / (1.0 - factor)
        low, high = (factor, high) if reached < mean * directions else (low, factor)
    return [largest * low**direction for direction in range(directions)]
