"""Bins too sparse for a chi-square, put together before anything is looked at."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

FEWEST_EXPECTED = 20.0
"""Rows that a bin is expected to hold in the smaller sample. More than the usual 5: error control over many tests
asks far out in the tail, where with 10 rows a bin a chi-square of 100 rows is a quarter too often beyond its limit."""


def pool_neighbours(baseline: Array, rows: float) -> npt.NDArray[np.int64]:
    """Return the group of each bin, (n_bins,) rising from 0: neighbours are joined until enough rows are expected.

    It follows from the baseline's counts (n_bins,) and the `rows` of the smaller sample alone, so that what came in the
    window has no say in how it is tested.

    >>> pool_neighbours(np.array([0.0, 50.0, 30.0, 20.0, 0.0]), 80.0).tolist()
    [0, 0, 1, 1, 1]
    """
    expected = baseline / baseline.sum() * rows
    groups = np.zeros(expected.size, dtype=np.int64)
    group, held = 0, 0.0
    for place, more in enumerate(expected.tolist()):
        if held >= FEWEST_EXPECTED:
            group, held = group + 1, 0.0
        groups[place] = group
        held += more
    if held < FEWEST_EXPECTED and group > 0:
        groups[groups == group] = group - 1
    return groups


def pool_rarest(baseline: Array, rows: float) -> npt.NDArray[np.int64]:
    """Return the same for values without an order: from the rarest up.

    >>> pool_rarest(np.array([60.0, 1.0, 30.0, 9.0]), 200.0).tolist()
    [2, 0, 1, 0]
    """
    order = np.argsort(baseline, kind="stable")
    groups = np.zeros(baseline.size, dtype=np.int64)
    groups[order] = pool_neighbours(baseline[order], rows)
    return groups
