"""How alike the rows of one day are, so that a thousand rows of one storm do not count as a thousand."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def day_correlation(table: Array, places: Array | None = None) -> float:
    """Return the intraclass correlation by day, 0 to 1, of rows counted in (n_days, n_bins).

    It gives the design effect 1 + (rows per day - 1) * correlation, by which means of n rows vary more than means of
    n rows that have nothing to do with each other (Kish, Survey Sampling, 1965). It is the analysis-of-variance
    estimate; below 0 counts as 0. Over bins, each bin's variances are divided by its share: the mean design effect by
    which a chi-square of clustered counts is divided (Rao & Scott, The analysis of categorical data from complex
    sample surveys, JASA 1981; On chi-squared tests for multiway contingency tables, Annals of Statistics 1984). With
    `places` (n_bins,), numbers that say where each bin lies, it is the correlation of these instead. 0 where it cannot
    be told: fewer than two days with rows, no two rows of one day, or one bin only.

    >>> same_days = np.array([[40.0, 0.0], [0.0, 40.0], [40.0, 0.0]])
    >>> mixed_days = np.array([[20.0, 20.0], [21.0, 19.0], [20.0, 20.0]])
    >>> day_correlation(same_days), day_correlation(mixed_days)
    (1.0, 0.0)
    """
    counts = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    sizes = counts.sum(axis=1)
    rows, days = sizes.sum(), len(sizes)
    if days < 2 or rows <= days or counts.shape[1] < 2:  # noqa: PLR2004 - two of each make a comparison
        return 0.0
    if places is None:
        between, within = _spread_of_bins(counts, sizes)
    else:
        between, within = _spread_of_places(counts, sizes, places[table.sum(axis=0) > 0])
    between, within = between / (days - 1), within / (rows - days)
    usual = (rows - (sizes**2).sum() / rows) / (days - 1)
    spread = between + (usual - 1.0) * within
    return float(np.clip((between - within) / spread, 0.0, 1.0)) if spread > 0 else 0.0


def _spread_of_bins(counts: Array, sizes: Array) -> tuple[float, float]:
    """Return the sums of squares between days and within them, of the indicators of all bins by their shares."""
    shares = counts.sum(axis=0) / sizes.sum()
    daily = counts / sizes[:, None]
    between = (sizes[:, None] * (daily - shares) ** 2 / shares).sum()
    within = (sizes[:, None] * daily * (1.0 - daily) / shares).sum()
    return float(between), float(within)


def _spread_of_places(counts: Array, sizes: Array, places: Array) -> tuple[float, float]:
    daily = counts @ places / sizes
    overall = float(counts.sum(axis=0) @ places / sizes.sum())
    squares = float((counts @ places**2).sum())
    between = float((sizes * (daily - overall) ** 2).sum())
    within = squares - float((sizes * daily**2).sum())
    return between, max(within, 0.0)


def middle_ranks(counts: Array) -> Array:
    """Return where each bin lies in its own distribution, 0 to 1: the share below it plus half its own (ridits).

    >>> middle_ranks(np.array([2.0, 2.0]))
    array([0.25, 0.75])
    """
    shares = counts / max(float(counts.sum()), 1.0)
    ranks: Array = np.cumsum(shares) - shares / 2.0
    return ranks
