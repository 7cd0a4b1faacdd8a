"""Which served values are not the recomputed ones, beyond what rounding explains."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float32]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Differences:
    """Which values differ, and by how much of the larger of the two, 0 to 2; (n_rows, n_features) each.

    `by` is NaN where a value is none.
    """

    differ: Marks
    by: npt.NDArray[np.float64]


def differences(
    served: Values, recomputed: Values, served_defaulted: Marks, defaulted: Marks, tolerance: float
) -> Differences:
    """Return where served and recomputed vectors are apart, (n_rows, n_features) each.

    A value differs when it is off by more than `tolerance` of the larger of the two, or where only one of them is a
    stand-in. Near zero a share of the value itself would call rounding a difference: there it is the share of the
    feature's mean size in the recomputed rows.

    >>> one, two = np.array([[10.0, 1.0]], np.float32), np.array([[10.000001, 2.0]], np.float32)
    >>> nothing = np.zeros((1, 2), bool)
    >>> found = differences(one, two, nothing, nothing, 1e-6)
    >>> found.differ.tolist(), float(found.by[0, 1])
    ([[False, True]], 0.5)
    """
    ours, theirs = served.astype(np.float64), recomputed.astype(np.float64)
    apart = np.abs(ours - theirs)
    larger = np.maximum(np.abs(ours), np.abs(theirs))
    usual = np.abs(theirs).mean(axis=0) if len(theirs) else np.zeros(theirs.shape[1])
    # Written this way round, so that a value that is no number differs.
    near = apart <= tolerance * np.maximum(larger, usual)
    by = np.where(larger > 0, apart / np.where(larger > 0, larger, 1.0), apart)
    return Differences(differ=~near | (served_defaulted != defaulted), by=by)
