"""Whether a share of rows has changed: of missing, of unseen, of one value."""

import numpy as np

from lifecycle.drift.tail import two_sided, upper

PLACES = np.array([0.0, 1.0])


def share_p_value(share: float, baseline_share: float, rows: float, baseline_rows: float) -> float:
    """Return the chance of two shares so far apart, either way, when they are of one kind of rows.

    `rows` and `baseline_rows` are independent rows, above 0. Counts are whole, so the gap is taken half a row smaller:
    rather too careful than too sure.

    >>> share_p_value(0.0, 0.0, 100, 1000), share_p_value(1.0, 0.02, 100, 1000) < 1e-50
    (1.0, True)
    >>> share_p_value(0.05, 0.02, 1000, 10_000) < 1e-5 < share_p_value(0.05, 0.02, 100, 1000)
    True
    """
    gap = max(abs(share - baseline_share) - 0.5 / rows, 0.0)
    return two_sided(gap, PLACES, _pooled(share, baseline_share, rows, baseline_rows), rows, baseline_rows)


def higher_p_value(share: float, baseline_share: float, rows: float, baseline_rows: float) -> float:
    """Return the chance that the first share exceeds the second by so much, when they are of one kind of rows.

    >>> higher_p_value(0.02, 0.05, 1000, 10_000), higher_p_value(0.05, 0.02, 1000, 10_000) < 1e-5
    (1.0, True)
    """
    gap = share - baseline_share - 0.5 / rows
    if gap <= 0.0:
        return 1.0
    return upper(gap, PLACES, _pooled(share, baseline_share, rows, baseline_rows), rows, baseline_rows)


def _pooled(share: float, baseline_share: float, rows: float, baseline_rows: float) -> np.ndarray:
    one = (rows * share + baseline_rows * baseline_share) / (rows + baseline_rows)
    return np.array([1.0 - one, one])
