"""What both kinds of column have in common when they are compared: the rows, and those without a value."""

from lifecycle.drift.comparison import Comparison, What
from lifecycle.drift.gaps import missing_certainty
from lifecycle.drift.sizes import Sizes
from lifecycle.profile import CategoryProfile, NumericProfile

Profile = NumericProfile | CategoryProfile


def compare_gaps(column: str, what: What, baseline: Profile, current: Profile, values: Sizes) -> Comparison:
    """Return the comparison of a column's missing rows alone; `values` are the sizes of those that have a value."""
    rows, baseline_rows = int(values.rows) + current.missing, int(values.baseline_rows) + baseline.missing
    return Comparison(
        column,
        what,
        rows,
        baseline_rows,
        current.missing / max(rows, 1),
        baseline.missing / max(baseline_rows, 1),
        missing_certainty(
            current.missing,
            baseline.missing,
            Sizes(rows, baseline_rows, values.days, values.baseline_days),
            baseline.missing_day_correlation,
        ),
    )
