"""Scores as a stream: what a version's windows of them looked like when it was accepted, and the limits that follow.

Everything is in log-odds, where storms and quiet days differ in their mean but hardly in their spread. Scores are cut
at a little beyond what the baseline saw, so that no single odd answer decides.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, model_validator

from lifecycle.errors import InvalidInput
from lifecycle.watching_policy import OutputsPolicy

Array = npt.NDArray[np.float64]

LEAST_BLOCK_ROWS = 10
MOST_BLOCKS = 4000
LEAST_WINDOWS = 20
"""Disjoint windows without which a baseline says too little about how much they differ."""
BEYOND = 1.0
"""How far beyond the baseline's range a score counts as what it is, in log-odds."""
LEAST_SPREAD = 1e-3
LEAST_MARGIN = 0.1
TAILS = 6
WIDENED = 1.5
"""A baseline is one season, and the next one's windows differ more; see docs/benchmarks.md for how it was chosen."""
SUREST = 20.0
"""Log-odds beyond which a score is as good as certain."""
SECONDS_PER_DAY = 86400.0


class OutputsProfile(BaseModel):
    """The baseline's scores in order of time, as sums and sums of squares of blocks of `block_rows` scores each.

    All are in log-odds, cut to [low, high]. Windows of any length can be made of them. `rows_per_day` is the traffic.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rows: int
    rows_per_day: float
    block_rows: int
    low: float
    high: float
    sums: tuple[float, ...]
    squares: tuple[float, ...]

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if len(self.sums) != len(self.squares):
            raise ValueError(f"{len(self.sums)} sums need as many squares, not {len(self.squares)}")
        return self


@dataclass(frozen=True)
class OutputLimits:
    """Between what the figures of the last `window_answers` scores may lie, all in log-odds.

    These are their mean, their spread, and the jump from the mean of as many answers before them.
    """

    window_answers: int
    low: float
    high: float
    mean_low: float
    mean_high: float
    spread_low: float
    spread_high: float
    jump_low: float
    jump_high: float


def log_odds(scores: Array, low: float, high: float) -> Array:
    """Return ln(p / (1 - p)) of (n_rows,) probabilities, cut to [low, high].

    >>> log_odds(np.array([0.0, 0.5, 1.0]), -4.0, 3.0).round(9).tolist()
    [-4.0, 0.0, 3.0]
    """
    least, most = 1.0 / (1.0 + math.exp(-low)), 1.0 / (1.0 + math.exp(-high))
    cut = np.minimum(np.maximum(scores, least), most)
    return np.log(cut / (1.0 - cut))


def profile_outputs(scores: Array, moments: Array) -> OutputsProfile | None:
    """Return the baseline of (n_rows,) probabilities, None when they are fewer than one block.

    `moments` are the rows' prediction moments in epoch seconds, in any order. Raises InvalidInput for a score that is
    no probability.
    """
    if not ((scores >= 0.0) & (scores <= 1.0)).all():
        raise InvalidInput("a score of a baseline is no probability; allowed: finite numbers from 0 to 1")
    block_rows = max(LEAST_BLOCK_ROWS, math.ceil(len(scores) / MOST_BLOCKS))
    blocks = len(scores) // block_rows
    if not blocks:
        return None
    whole = log_odds(scores[np.argsort(moments, kind="stable")], -SUREST, SUREST)
    low, high = float(whole.min()) - BEYOND, float(whole.max()) + BEYOND
    shaped = whole[: blocks * block_rows].reshape(blocks, block_rows)
    days = max(float(np.ptp(moments)) / SECONDS_PER_DAY, 1.0)
    return OutputsProfile(
        rows=len(scores),
        rows_per_day=len(scores) / days,
        block_rows=block_rows,
        low=low,
        high=high,
        sums=tuple(np.round(shaped.sum(axis=1), 6).tolist()),
        squares=tuple(np.round((shaped * shaped).sum(axis=1), 6).tolist()),
    )


def output_limits(profile: OutputsProfile, policy: OutputsPolicy) -> OutputLimits | None:
    """Return the limits that windows of a healthy version break once in `false_alarm_every_days`; None if too thin.

    Consecutive windows are no independent draws: a storm makes a day of high ones. So the null is the baseline's own
    sliding windows, and a limit lies beyond the most extreme of them, which has every storm in it, by what a normal
    tail of the windows' deviation adds between as many windows as were seen and as many as may pass until a false
    alarm, widened. The normal stands for the penultimate approximation of a maximum, which its Gumbel limit
    overshoots (Fisher & Tippett, Limiting forms of the frequency distribution, 1928; Coles, An Introduction to
    Statistical Modeling of Extreme Values, 2001, ch. 3). The lower limit of the spread is taken on its logarithm.
    """
    blocks = max(policy.window_answers // profile.block_rows, 1)
    window = max(policy.window_answers, profile.block_rows)
    seen = profile.rows / window
    if seen < LEAST_WINDOWS:
        return None
    means, spreads = _windows(profile, blocks)
    awaited = max(policy.false_alarm_every_days * profile.rows_per_day / window * TAILS, seen)
    beyond = WIDENED * (_normal_tail(awaited) - _normal_tail(seen))
    logs, jumps = np.log(spreads), means[blocks:] - means[:-blocks]
    mean_margin, spread_margin, log_margin, jump_margin = (
        max(beyond * float(values.std()), LEAST_MARGIN) for values in (means, spreads, logs, jumps)
    )
    return OutputLimits(
        window_answers=window,
        low=profile.low,
        high=profile.high,
        mean_low=float(means.min()) - mean_margin,
        mean_high=float(means.max()) + mean_margin,
        spread_low=math.exp(float(logs.min()) - log_margin),
        spread_high=float(spreads.max()) + spread_margin,
        jump_low=float(jumps.min()) - jump_margin,
        jump_high=float(jumps.max()) + jump_margin,
    )


def spread_of(mean: float, mean_square: float) -> float:
    """Return the standard deviation, never below LEAST_SPREAD."""
    return max(math.sqrt(max(mean_square - mean * mean, 0.0)), LEAST_SPREAD)


def _windows(profile: OutputsProfile, blocks: int) -> tuple[Array, Array]:
    """Return mean and spread of every run of so many blocks, (n_windows,) each."""
    n_rows = blocks * profile.block_rows
    sums, squares = (np.cumsum([0.0, *values]) for values in (profile.sums, profile.squares))
    means = (sums[blocks:] - sums[:-blocks]) / n_rows
    variances = (squares[blocks:] - squares[:-blocks]) / n_rows - means * means
    return means, np.maximum(np.sqrt(np.maximum(variances, 0.0)), LEAST_SPREAD)


def _normal_tail(count: float) -> float:
    """Return the value that a standard normal exceeds once in `count` draws."""
    # By its lower tail, which floats resolve where 1 - 1 / count is 1.
    return -NormalDist().inv_cdf(1.0 / count)
