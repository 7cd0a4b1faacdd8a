"""Whether a share of rows has changed: of missing, of unseen, of one value."""

import numpy as np
from scipy.special import betainc

from lifecycle.drift.tail import two_sided, upper

PLACES = np.array([0.0, 1.0])
SMALLEST_WEIGHT = 1e-3


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


def daily_share_p_value(share: float, baseline_share: float, rows: float, baseline_rows: float, half: float) -> float:
    """Return the same where each day has a share of its own: two beta tails, for shares of rows that come by days.

    `rows` and `baseline_rows` are effective ones, `half` is half of one real row's share. Days' shares are taken to be
    beta distributed, as in the beta-binomial model of clustered counts (Skellam, A probability distribution derived
    from the binomial distribution by regarding the probability of success as variable between the sets of trials,
    1948), and their mean too. Few effective rows do not hide that all is gone, unless whole days were gone before.

    >>> daily_share_p_value(1.0, 0.02, 3.0, 200.0, 0.001) < 1e-6
    True
    >>> daily_share_p_value(1.0, 0.02, 1.01, 60.0, 0.001) > 0.01
    True
    >>> daily_share_p_value(0.03, 0.02, 30.0, 200.0, 0.001) > 0.1
    True
    """
    usual = float(_pooled(share, baseline_share, rows, baseline_rows)[1])
    weight = max(1.0 / (1.0 / rows + 1.0 / baseline_rows) - 1.0, SMALLEST_WEIGHT)
    if not 0.0 < usual < 1.0:
        return 1.0
    # As far from what is usual on either side as the share is from the baseline's.
    gap = max(abs(share - baseline_share) - half, 0.0)
    above = float(betainc((1.0 - usual) * weight, usual * weight, 1.0 - min(usual + gap, 1.0 - half)))
    below = float(betainc(usual * weight, (1.0 - usual) * weight, max(usual - gap, half)))
    if share > baseline_share:
        return min(2.0 * above, 1.0)
    return min(2.0 * below, 1.0)


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
