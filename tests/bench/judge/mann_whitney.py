"""Kayenta's way, repeated: Mann-Whitney U on the points of a dashboard, again at every new point."""

import numpy as np
import numpy.typing as npt

from tests.bench.judge.verdicts import StageEnd

Floats = npt.NDArray[np.float64]

Z_AT_98_PERCENT = 2.3263
TOLERANCE = 0.25
LEAST_POINTS = 50
LAST_POINT = 96
"""The canary's lifetime: what is not worse by then has passed."""


def judge_points(points: Floats, effect_limits: Floats, rows_per_point: int) -> StageEnd:
    """Return what the repeated test decides; `points` is (points, metrics, 2 arms), limits are (metrics,)."""
    last = min(LAST_POINT, points.shape[0])
    if last < LEAST_POINTS:
        return StageEnd("held", points.shape[0] * rows_per_point)
    found = [_first_high(points[:last, metric], limit) for metric, limit in enumerate(effect_limits.tolist())]
    high = min((at for at in found if at is not None), default=None)
    if high is not None:
        return StageEnd("rolled back", high * rows_per_point)
    return StageEnd("passed", last * rows_per_point)


def _first_high(points: Floats, effect_limit: float) -> int | None:
    """Return after how many points one metric is classified High, None when it never is."""
    ours, theirs = points[:, 0], points[:, 1]
    differences = ours[:, None] - theirs[None, :]
    for count in range(LEAST_POINTS, ours.size + 1):
        if ours[:count].mean() - theirs[:count].mean() <= effect_limit:
            continue
        part = differences[:count, :count].ravel()
        rank = int(count * count / 2 - Z_AT_98_PERCENT * np.sqrt(count * count * (2 * count + 1) / 12))
        # The confidence interval's lower end is the difference of this rank, so most must be above 0 at least.
        if np.count_nonzero(part <= 0) > rank:
            continue
        ordered = np.sort(part)
        if ordered[rank] > TOLERANCE * abs(float(np.median(ordered))):
            return count
    return None
