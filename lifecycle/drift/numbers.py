"""One column of numbers beside its baseline."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from lifecycle.drift.chi_square import chi_square, chi_square_p_value
from lifecycle.drift.comparison import Certainty, Comparison, TestName, What
from lifecycle.drift.jensen_shannon import jensen_shannon
from lifecycle.drift.kolmogorov_smirnov import kolmogorov_smirnov
from lifecycle.drift.pooling import pool_neighbours
from lifecycle.drift.psi import expected_psi, psi
from lifecycle.drift.ranks import rank_p_value
from lifecycle.drift.rows import compare_gaps
from lifecycle.drift.sizes import Sizes
from lifecycle.errors import InvalidInput
from lifecycle.profile import NumericProfile

Array = npt.NDArray[np.float64]


def compare_numbers(
    column: str, what: What, baseline: NumericProfile, current: NumericProfile, *, days: int, baseline_days: int
) -> Comparison:
    """Return the comparison of one column; raises InvalidInput when the bins are not the same.

    Two tests look at the values: a chi-square at any change of shape, ranks at a shift.
    """
    if baseline.edges != current.edges:
        raise InvalidInput(f"{column} is counted at other edges than in the baseline; count the window on the baseline")
    now, then = np.array(current.counts, dtype=np.float64), np.array(baseline.counts, dtype=np.float64)
    sizes = Sizes(int(now.sum()), int(then.sum()), days, baseline_days)
    found = compare_gaps(column, what, baseline, current, sizes)
    if sizes.rows == 0 or sizes.baseline_rows == 0:
        return found
    bins = int(((now > 0) | (then > 0)).sum())
    gap, after = kolmogorov_smirnov(now, then)
    distance, _ = chi_square(now, then, np.arange(now.size))
    moved, decisive = _tested(now, then, sizes, baseline)
    worth, baseline_worth = sizes.effective(max(baseline.day_correlation, baseline.rank_day_correlation))
    return replace(
        found,
        psi=psi(now, then),
        expected_psi=expected_psi(bins, sizes.noise(0.0)),
        blocked_expected_psi=expected_psi(bins, sizes.noise(baseline.day_correlation)),
        js=jensen_shannon(now, then),
        ks=gap,
        chi2=distance / sizes.noise(0.0),
        effective_rows=worth,
        effective_baseline_rows=baseline_worth,
        moved=moved,
        decisive=decisive,
        change=_change(now, then, current.edges, after),
    )


def _tested(now: Array, then: Array, sizes: Sizes, baseline: NumericProfile) -> tuple[Certainty, TestName]:
    """Return the more certain of both tests, doubled because there are two (Bonferroni)."""
    largest = max(baseline.day_correlation, baseline.rank_day_correlation)
    alone = min(_shape(now, then, sizes, 0.0, 0.0), rank_p_value(now, then, *sizes.effective(0.0)))
    shape = _shape(now, then, sizes, baseline.day_correlation, baseline.rank_day_correlation)
    place = rank_p_value(now, then, *sizes.effective(largest))
    blocked = min(shape, place)
    return Certainty(min(2.0 * alone, 1.0), min(2.0 * blocked, 1.0)), "chi-square" if shape < place else "ranks"


def _shape(now: Array, then: Array, sizes: Sizes, mean: float, largest: float) -> float:
    groups = pool_neighbours(then, min(sizes.effective(max(mean, largest))))
    distance, used = chi_square(now, then, groups)
    return chi_square_p_value(distance, used, int((then > 0).sum()), sizes, mean=mean, largest=largest)


def _change(now: Array, then: Array, edges: tuple[float, ...], after: int) -> str:
    """Return where the two distributions gape widest, as a sentence."""
    if after >= len(edges):
        return ""
    ours, theirs = now[: after + 1].sum() / now.sum(), then[: after + 1].sum() / then.sum()
    return f"{ours:.1%} of the values are at most {edges[after]:.4g}, where the baseline has {theirs:.1%}"
