"""Where a proportion lies, at every look at once."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, xlog1py, xlogy

Array = npt.NDArray[np.float64]

PRIOR = 0.5
"""Jeffreys' prior: no rate, however small, is far from it."""
HALVINGS = 60


def log_evidence(events: npt.ArrayLike, observations: npt.ArrayLike, rate: npt.ArrayLike) -> Array:
    """Return the log of an e-value against "an observation is an event with probability `rate`"; arguments broadcast.

    The beta-binomial mixture of Robbins (1970), as in Howard et al., Time-uniform, nonparametric, nonasymptotic
    confidence sequences (2021). Infinite where the counts are impossible under `rate`.

    >>> round(float(log_evidence(0, 0, 0.3)), 9)
    0.0
    """
    k, n = np.asarray(events, dtype=np.float64), np.asarray(observations, dtype=np.float64)
    p = np.asarray(rate, dtype=np.float64)
    mixed = betaln(k + PRIOR, n - k + PRIOR) - betaln(PRIOR, PRIOR)
    return np.asarray(mixed - xlogy(k, p) - xlog1py(n - k, -p), dtype=np.float64)


def interval(events: int, observations: int, probability: float) -> tuple[float, float]:
    """Return the lower and upper bound of a proportion; at any look ever, they miss it with at most `probability`.

    Without observations they are 0 and 1, without events the lower is 0, and with nothing else the upper is 1.

    >>> [round(bound, 3) for bound in interval(0, 1000, 0.01)]
    [0.0, 0.009]
    >>> interval(0, 0, 0.01)
    (0.0, 1.0)
    """
    if observations == 0:
        return 0.0, 1.0
    others = observations - events
    mixed = float(betaln(events + PRIOR, others + PRIOR) - betaln(PRIOR, PRIOR))
    least = mixed + math.log(probability)

    def belongs(p: float) -> bool:
        likelihood = (events * math.log(p) if events else 0.0) + (others * math.log1p(-p) if others else 0.0)
        return likelihood > least

    seen = events / observations
    lower = _edge(belongs, seen, 0.0) if events else 0.0
    upper = _edge(belongs, seen, 1.0) if others else 1.0
    return lower, upper


def _edge(belongs: Callable[[float], bool], inside: float, outside: float) -> float:
    """Return the point between a member and an end, which is none, where belonging ends; never inside of it."""
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        if middle in {inside, outside}:
            break
        inside, outside = (middle, outside) if belongs(middle) else (inside, middle)
    return outside
