"""Whether a column is missing more, or less, often than in the baseline."""

from lifecycle.drift.comparison import Certainty
from lifecycle.drift.proportions import daily_share_p_value, share_p_value
from lifecycle.drift.sizes import Sizes

CLUSTERED = 2.0
"""Rows an independent one is worth, from which on days, and no longer rows, are what varies."""


def missing_certainty(missing: int, baseline_missing: int, sizes: Sizes, correlation: float) -> Certainty | None:
    """Return how likely chance alone makes such shares of missing rows; None where there is nothing to test.

    `sizes` count all rows. A test of its own finds a few points more that a test over twenty bins would not.

    >>> missing_certainty(0, 0, Sizes(100, 1000, 1, 10), 0.0) is None
    True
    >>> found = missing_certainty(100, 20, Sizes(100, 1000, 10, 100), 0.2)
    >>> found.p_value < found.blocked_p_value < 1e-12
    True
    """
    if missing + baseline_missing == 0 or sizes.rows == 0 or sizes.baseline_rows == 0:
        return None
    share, usual = missing / sizes.rows, baseline_missing / sizes.baseline_rows
    alone = share_p_value(share, usual, sizes.rows, sizes.baseline_rows)
    worth, baseline_worth = sizes.effective(correlation)
    by_rows = share_p_value(share, usual, worth, baseline_worth)
    if sizes.rows < CLUSTERED * worth:
        return Certainty(alone, by_rows)
    by_days = daily_share_p_value(share, usual, worth, baseline_worth, 0.5 / sizes.rows)
    # Neither knows the tails of days' shares well, so the more careful counts; that all is gone, days alone can tell.
    return Certainty(alone, by_days if share == 1.0 else max(by_rows, by_days))
