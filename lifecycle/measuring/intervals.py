"""How far a metric may be from the truth, when the rows of an hour share their fate and those of a day much of it."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from scipy.stats import t as student

from lifecycle.measuring.answers import Array
from lifecycle.measuring.points import Point

FEWEST_HOURS = 8
"""Below this nothing is said about the spread between hours."""
FEWEST_COUNTED = 10
"""Below so many rows of the kind that a metric counts, its spread is anybody's guess."""
HOURS_A_DAY = 24


@dataclass(frozen=True)
class Spread:
    """The standard error of a sum over hours, known from so many degrees of freedom."""

    error: float
    freedom: int


def spread(pull: Array, hours: np.ndarray, freedom: int | None = None) -> Spread | None:
    """Return the spread of a sum of pulls, (n_rows,), by the hour of each row; None for fewer than FEWEST_HOURS.

    The sums of the hours are projected on the slowest cosines over the hours in their order: what makes a whole day
    good or bad moves them, and so counts; independent hours move all cosines alike. The mean square of the first
    `freedom` of them is the long-run variance, and Student's t with as many degrees of freedom holds for its root:
    the equal-weighted cosine estimator of Lazarus, Lewis, Stock & Watson, HAR Inference: Recommendations for
    Practice (Journal of Business & Economic Statistics, 2018). Their rule for `freedom` is 0.4 n^(2/3); it is never
    more than the days there are, because faster cosines would not see a day that is good or bad as a whole.
    """
    known, place = np.unique(hours, return_inverse=True)
    sums = np.bincount(place, pull)
    n = len(sums)
    if n < FEWEST_HOURS:
        return None
    days = len(np.unique(known // HOURS_A_DAY))
    chosen = min(round(0.4 * n ** (2 / 3)), days) if freedom is None else freedom
    chosen = min(max(chosen, 2), n - 1)
    waves = np.cos(np.pi * np.outer(np.arange(1, chosen + 1), np.arange(n) + 0.5) / n)
    return Spread(float(np.sqrt(2.0 / chosen * ((waves @ sums) ** 2).sum())), chosen)


def reach(spread: Spread, level: float) -> float:
    """Return how far either way the truth may lie, wrong in at most 1 - `level` of all cases."""
    return spread.error * float(student.ppf(0.5 + level / 2, spread.freedom))


def share_interval(point: Point, level: float, highest: float = 1.0) -> tuple[float, float] | None:
    """Return the interval of a metric between 0 and `highest`, on the logit scale so that it stays there.

    At the very edge nothing varies: then it is what so many hours that agree can prove (Clopper & Pearson, 1934).
    None with too few hours, or too few rows of the kind that is counted.
    """
    found = _enough(point)
    if found is None:
        return None
    value = point.value / highest
    if value <= 0 or value >= 1:
        certain = ((1 - level) / 2) ** (1 / len(np.unique(point.hours)))
        return (0.0, highest * (1 - certain)) if value <= 0 else (highest * certain, highest)
    away = reach(found, level) / highest / (value * (1 - value))
    return highest * float(expit(logit(value) - away)), highest * float(expit(logit(value) + away))


def positive_interval(point: Point, level: float) -> tuple[float, float] | None:
    """Return the interval of a metric above 0 without an upper limit, on the log scale."""
    found = _enough(point)
    if found is None:
        return None
    away = reach(found, level) / max(point.value, np.finfo(np.float64).tiny)
    most = float(np.log(np.finfo(np.float64).max)) / 2
    return point.value * float(np.exp(-away)), point.value * float(np.exp(min(away, most)))


def gap_interval(point: Point, level: float) -> tuple[float, float] | None:
    """Return the interval of a calibration error: from below, what chance alone gives is taken off first."""
    found = _enough(point)
    if found is None:
        return None
    away = reach(found, level)
    return max(0.0, point.value - point.by_chance - away), min(1.0, point.value + away)


def _enough(point: Point) -> Spread | None:
    return None if point.support < FEWEST_COUNTED else spread(point.pull, point.hours)
