"""One column of names beside its baseline."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from lifecycle.drift.chi_square import chi_square, chi_square_p_value
from lifecycle.drift.comparison import Certainty, Comparison, TestName, What
from lifecycle.drift.jensen_shannon import jensen_shannon
from lifecycle.drift.pooling import pool_rarest
from lifecycle.drift.proportions import share_p_value
from lifecycle.drift.psi import expected_psi, psi
from lifecycle.drift.rows import compare_gaps
from lifecycle.drift.sizes import Sizes
from lifecycle.drift.unseen import unseen_certainty, unseen_expected
from lifecycle.errors import InvalidInput
from lifecycle.profile import CategoryProfile

Array = npt.NDArray[np.float64]


def compare_texts(
    column: str, what: What, baseline: CategoryProfile, current: CategoryProfile, *, days: int, baseline_days: int
) -> Comparison:
    """Return the comparison of one column; raises InvalidInput when not the same values are named."""
    if baseline.counts.keys() != current.counts.keys():
        raise InvalidInput(f"{column} names other values than the baseline; count the window on the baseline")
    names = tuple(baseline.counts)
    now = np.array([*(current.counts[name] for name in names), current.other], dtype=np.float64)
    then = np.array([*baseline.counts.values(), baseline.other], dtype=np.float64)
    sizes = Sizes(int(now.sum()), int(then.sum()), days, baseline_days)
    found = compare_gaps(column, what, baseline, current, sizes)
    if sizes.rows == 0 or sizes.baseline_rows == 0:
        return found
    bins = int(((now > 0) | (then > 0)).sum())
    distance, _ = chi_square(now, then, np.arange(now.size))
    tellable = baseline.other == 0
    moved, decisive = _tested(now, then, sizes, baseline, tellable=tellable)
    worth, baseline_worth = sizes.effective(baseline.day_correlation)
    return replace(
        found,
        psi=psi(now, then),
        expected_psi=expected_psi(bins, sizes.noise(0.0)),
        blocked_expected_psi=expected_psi(bins, sizes.noise(baseline.day_correlation)),
        js=jensen_shannon(now, then),
        chi2=distance / sizes.noise(0.0),
        effective_rows=worth,
        effective_baseline_rows=baseline_worth,
        moved=moved,
        decisive=decisive,
        unseen=current.other / sizes.rows if tellable else None,
        baseline_unseen=unseen_expected(baseline) if tellable else None,
        unseen_moved=unseen_certainty(baseline, current.other, sizes) if tellable else None,
        change=_change(now, then, names),
    )


def _tested(
    now: Array, then: Array, sizes: Sizes, baseline: CategoryProfile, *, tellable: bool
) -> tuple[Certainty | None, TestName | None]:
    """Return the certainty by chi-square, or of the commonest value's share where the rest is too rare for one.

    New values that can be told have a test of their own, and are left out here: joined with rare ones, a rare value
    that only changed its name would look as if nothing had happened. None where all values are new.
    """
    if tellable:
        now, then = now[:-1], then[:-1]
        sizes = replace(sizes, rows=float(now.sum()))
    if sizes.rows == 0:
        return None, None
    alone, _ = _shape(now, then, sizes, 0.0)
    blocked, decisive = _shape(now, then, sizes, baseline.day_correlation)
    return Certainty(alone, blocked), decisive


def _shape(now: Array, then: Array, sizes: Sizes, correlation: float) -> tuple[float, TestName]:
    rows, baseline_rows = sizes.effective(correlation)
    groups = pool_rarest(then, min(rows, baseline_rows))
    if groups.max() == 0:
        common = int(np.argmax(then))
        shares = float(now[common] / now.sum()), float(then[common] / then.sum())
        return share_p_value(*shares, rows, baseline_rows), "commonest value"
    distance, used = chi_square(now, then, groups)
    return chi_square_p_value(distance, used, used, sizes, mean=correlation, largest=correlation), "chi-square"


def _change(now: Array, then: Array, names: tuple[str, ...]) -> str:
    """Return the value whose share changed most, as a sentence."""
    ours, theirs = now / now.sum(), then / then.sum()
    # Of two values that make up all, such as outcomes of 0 and 1, the second one is the event.
    gaps = np.round(np.abs(ours - theirs), 9)
    most = int(np.flatnonzero(gaps == gaps.max())[-1])
    name = repr(names[most]) if most < len(names) else "a value without a name in the baseline"
    return f"{ours[most]:.1%} of the values are {name}, where the baseline has {theirs[most]:.1%}"
