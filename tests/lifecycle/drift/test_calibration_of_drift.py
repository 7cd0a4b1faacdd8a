"""False alarms and power, on a few hundred windows; `make bench-drift` takes thousands."""

import pytest

from tests.bench.drift.windows import COLUMNS, Raised, raised_over, share_of_looks

WINDOWS = 200
A_BASELINE = 20


def windows(kind: str, rows: int, count: int) -> list[Raised]:
    """Return what is raised in some windows, with a new baseline for every 20."""
    return [
        one
        for first in range(0, count, A_BASELINE)
        for one in raised_over(kind, rows, iter([(17, rows, first + number) for number in range(A_BASELINE)]))
    ]


@pytest.mark.parametrize("rows", [100, 1000])
def test_quiet_windows_raise_nothing_in_99_of_100(rows: int) -> None:
    """At a true rate of 1%, seven of 200 windows raise something once in 200 runs; a PSI of 0.1 raises nearly all."""
    raised = windows("nothing", rows, WINDOWS)
    assert sum(bool(one.ours) for one in raised) < 7
    if rows == 100:
        assert sum(bool(one.usual_psi_few_bins) for one in raised) > 0.8 * WINDOWS


def test_quiet_windows_of_rows_by_days_raise_nothing_in_99_of_100() -> None:
    """Where a day's rows share its weather, independent p-values cry wolf in most looks, and blocked ones do not."""
    raised = windows("nothing, by days", 1000, 100)
    assert sum(bool(one.ours) for one in raised) < 6
    assert sum(bool(one.as_if_independent) for one in raised) > 50


@pytest.mark.parametrize("kind", list(COLUMNS))
def test_one_column_that_moves_is_named_at_1000_rows(kind: str) -> None:
    """A quarter of a standard deviation, two places exchanged, and three points more missing are found."""
    raised = windows(kind, 1000, 40)
    assert share_of_looks(kind, raised)["ours"] > 0.75
