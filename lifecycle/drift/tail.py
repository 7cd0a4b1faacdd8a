"""How rarely chance sets two means so far apart: a saddlepoint approximation, good far out and for few rows."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Array = npt.NDArray[np.float64]

LARGEST_EXPONENT = 600.0
STEPS = 60
NEAR_ENOUGH = 1e-6
MIDDLE = 1.0
"""Within so many standard errors the normal distribution is exact enough, and the formula would divide by nearly 0."""


@dataclass(frozen=True)
class Tilted:
    """The cumulant generating function of a difference of means at one point, with its first two derivatives."""

    value: float
    slope: float
    curvature: float


@dataclass(frozen=True)
class Chance:
    """Two samples of rows at rising or falling `places` (n_places,) with `shares`: how their means may differ."""

    places: Array
    shares: Array
    rows: float
    baseline_rows: float

    def spread(self) -> float:
        """Return the standard deviation of the difference."""
        variance = float(self.shares @ (self.places - float(self.shares @ self.places)) ** 2)
        return math.sqrt(variance * (1.0 / self.rows + 1.0 / self.baseline_rows))

    def tilted(self, point: float) -> Tilted:
        """Return the function of the first mean less the second."""
        ours, mean, variance = self._row(point / self.rows)
        theirs, their_mean, their_variance = self._row(-point / self.baseline_rows)
        return Tilted(
            value=self.rows * ours + self.baseline_rows * theirs,
            slope=mean - their_mean,
            curvature=variance / self.rows + their_variance / self.baseline_rows,
        )

    def _row(self, by: float) -> tuple[float, float, float]:
        exponents = by * self.places
        # Shifted, so that the largest is 1 and nothing overflows.
        top = max(float(exponents[0]), float(exponents[-1]))
        weights = self.shares * np.exp(exponents - top)
        total = float(weights @ np.ones_like(weights))
        mean = float(weights @ self.places) / total
        return top + math.log(total), mean, max(float(weights @ (self.places - mean) ** 2) / total, 0.0)


def two_sided(gap: float, places: Array, shares: Array, rows: float, baseline_rows: float) -> float:
    """Return the chance that means of two samples lie at least `gap` apart, to either side, when nothing differs.

    Each row of both samples is at one of `places` (n_places,), which rise, with chances `shares` that sum to 1. The
    sizes may be broken: effective rows. A normal approximation is wrong by factors in the far tail where most rows are
    at one place, and there error control over many tests asks. The tail is Lugannani & Rice, Saddle point
    approximation for the distribution of the sum of independent random variables, 1980. At the edge of what is possible
    it is Chernoff's bound, which is never too small.

    >>> places, shares = np.array([0.0, 1.0]), np.array([0.9, 0.1])
    >>> round(two_sided(0.0, places, shares, 100, 1000), 2)
    1.0
    >>> 0.00025 < two_sided(0.12, places, shares, 100, 1000) < 0.0004
    True
    """
    return min(1.0, upper(gap, places, shares, rows, baseline_rows) + upper(gap, -places, shares, rows, baseline_rows))


def upper(gap: float, places: Array, shares: Array, rows: float, baseline_rows: float) -> float:
    """Return the chance that the first mean lies at least `gap` above the second; see `two_sided`."""
    kept = shares > 0
    chance = Chance(places[kept], shares[kept], rows, baseline_rows)
    span = abs(float(chance.places[-1] - chance.places[0]))
    spread = chance.spread()
    if span == 0.0 or spread == 0.0:
        return 1.0 if gap <= 0.0 else 0.0
    if gap <= MIDDLE * spread:
        return float(ndtr(-gap / spread))
    furthest = LARGEST_EXPONENT * min(rows, baseline_rows) / span
    point = _saddle(gap, chance, spread, furthest) if gap < span else furthest
    there = chance.tilted(point)
    depth = max(point * gap - there.value, 0.0)
    bound = math.exp(-depth)
    reach, pull = math.sqrt(2.0 * depth), point * math.sqrt(there.curvature)
    if point >= furthest or reach == 0.0 or pull == 0.0:
        return bound
    density = bound / math.sqrt(2.0 * math.pi)
    return min(max(float(ndtr(-reach)) + density * (1.0 / pull - 1.0 / reach), 0.0), bound)


def _saddle(gap: float, chance: Chance, spread: float, furthest: float) -> float:
    """Return where the slope is the gap, by Newton's steps, halved where they leave the bracket; at most `furthest`."""
    low, high = 0.0, furthest
    point = min(gap / spread**2, high / 2.0)
    for _ in range(STEPS):
        here = chance.tilted(point)
        if abs(here.slope - gap) <= NEAR_ENOUGH * gap:
            break
        low, high = (point, high) if here.slope < gap else (low, point)
        step = point + (gap - here.slope) / here.curvature if here.curvature > 0.0 else high
        point = step if low < step < high else (low + high) / 2.0
    return point
