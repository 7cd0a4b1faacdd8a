"""The sentences that say what moved, from what to what, how certainly, and by how much."""

from lifecycle.drift.comparison import Comparison

RAREST = 1e-12


def drift_reason(one: Comparison, limit: float, certainty: float, rate: float) -> str:
    """Return why a column's values are called moved."""
    return (
        f"{one.column} moved: {one.change}; PSI is {one.psi or 0.0:.3f}, of which chance gives "
        f"{one.blocked_expected_psi or 0.0:.3f}, and {limit:g} beyond that matters; {_sure(certainty, rate)}, over "
        f"{one.rows:,} rows worth {one.effective_rows:,.0f} independent ones"
    )


def missing_reason(one: Comparison, limit: float, certainty: float, rate: float) -> str:
    """Return why a column is called missing more, or less, often.

    >>> from lifecycle.drift.comparison import Certainty
    >>> gone = Comparison("wind", "feature", 500, 9000, 1.0, 0.02, Certainty(0.0, 0.0))
    >>> missing_reason(gone, 0.02, 1e-9, 0.01).split(";")[0]
    'wind is missing in all 500 rows, where the baseline misses 2.0%'
    """
    now = f"all {one.rows:,} rows" if one.missing == 1.0 else f"{one.missing:.1%} of {one.rows:,} rows"
    return (
        f"{one.column} is missing in {now}, where the baseline misses {one.baseline_missing:.1%}; a change by "
        f"{limit:.1%} matters; {_sure(certainty, rate)}"
    )


def unseen_reason(one: Comparison, certainty: float, rate: float) -> str:
    """Return why a column is said to hold new values."""
    return (
        f"{one.unseen or 0.0:.2%} of the values of {one.column} are new to the version, where its baseline leads to "
        f"expect {one.baseline_unseen or 0.0:.3%}; {_sure(certainty, rate)}"
    )


def _sure(certainty: float, rate: float) -> str:
    looks = f"one look in {1.0 / certainty:,.0f}" if certainty > RAREST else "practically no look"
    return f"chance alone shows as much in {looks}, and in one of {1.0 / rate:,.0f} it may"
