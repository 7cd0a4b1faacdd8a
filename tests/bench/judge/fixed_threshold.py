"""Flagger's way: each interval a metric against a threshold; failed and passed checks are counted."""

import numpy as np
import numpy.typing as npt

from tests.bench.judge.verdicts import StageEnd

FAILED_CHECKS = 5
PASSED_CHECKS = 10


def judge_points(exceeds: npt.NDArray[np.bool_], rows_per_point: int) -> StageEnd:
    """Return what five failed checks, or ten passed ones before them, decide; `exceeds` is (points, metrics)."""
    failed = exceeds.any(axis=1)
    rolled = np.flatnonzero(failed.cumsum() >= FAILED_CHECKS)
    passed = np.flatnonzero((~failed).cumsum() >= PASSED_CHECKS)
    back, on = (int(found[0]) if found.size else failed.size for found in (rolled, passed))
    if back == on:
        return StageEnd("held", failed.size * rows_per_point)
    return StageEnd("rolled back" if back < on else "passed", (min(back, on) + 1) * rows_per_point)
