"""Whether more values are new than a baseline leads to expect."""

from lifecycle.drift.comparison import Certainty
from lifecycle.drift.proportions import higher_p_value
from lifecycle.drift.sizes import Sizes
from lifecycle.profile import CategoryProfile


def unseen_expected(baseline: CategoryProfile) -> float:
    """Return the share of values that are new when nothing changes: those seen once in the baseline, and one more.

    The share of rows with a value seen once estimates that of rows with a value not seen yet (Good, The population
    frequencies of species and the estimation of population parameters, 1953). The one more is for caution.

    >>> unseen_expected(CategoryProfile(counts={"JFK": 60, "EWR": 38, "LGA": 1}, other=0, missing=5))
    0.02
    """
    once = sum(count == 1 for count in baseline.counts.values())
    return (once + 1) / (sum(baseline.counts.values()) + 1)


def unseen_certainty(baseline: CategoryProfile, unseen: int, sizes: Sizes) -> Certainty | None:
    """Return how likely chance brings that many new values; None where there are none.

    `sizes` count the rows with a value. Only of a baseline that names all its values: see CategoryProfile.
    """
    if unseen == 0:
        return None
    share, expected = unseen / sizes.rows, unseen_expected(baseline)
    return Certainty(
        p_value=higher_p_value(share, expected, sizes.rows, sizes.baseline_rows),
        blocked_p_value=higher_p_value(share, expected, *sizes.effective(baseline.day_correlation)),
    )
