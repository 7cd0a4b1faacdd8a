"""Whether the candidate's rate is proven to be less than a margin above the baseline's."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logsumexp

Array = npt.NDArray[np.float64]

RATES: Array = expit(np.linspace(np.log(1e-4), 3.0, 64))
"""The common rates that stand for "no worse"; the e-value is the mean over them, so none has to be guessed."""
PAIRED_RATES: Array = RATES * 0.49
"""Both halves of a pair together cannot be events of only one in more than all pairs."""
LARGEST_MARGIN = 0.999
HALVINGS = 60
SHARE_STEPS = 100


def log_evidence(
    candidate: npt.ArrayLike, of: npt.ArrayLike, baseline: npt.ArrayLike, of_baseline: npt.ArrayLike, margin: float
) -> Array:
    """Return the log of an e-value against "the candidate's rate is the baseline's plus `margin`, or more".

    `candidate` of `of` and `baseline` of `of_baseline` are events and observations of two separate groups; arrays
    broadcast. For each common rate the likelihood is divided by that of the nearest pair of rates which the claim
    allows: an e-variable, because those pairs are a convex set (Turner, Ly & Grünwald, Generic e-variables for exact
    sequential k-sample tests, 2024). `margin` is above 0: no evidence shows an equal to be better than itself.

    >>> float(log_evidence(0, 0, 0, 0, 0.01))
    0.0
    >>> bool(log_evidence(40, 4000, 40, 4000, 0.01) > np.log(100) > log_evidence(80, 4000, 40, 4000, 0.01))
    True
    """
    kc, nc, kb, nb = np.broadcast_arrays(
        *(np.asarray(part, dtype=np.float64) for part in (candidate, of, baseline, of_baseline))
    )
    shares = np.round(SHARE_STEPS * nc / np.maximum(nc + nb, 1.0)).astype(int)
    evidence = np.zeros(shares.shape)
    for share in np.unique(shares):
        at = shares == share
        low = _nearest(margin, int(share))
        ours = _log_ratio(kc[at][..., None], nc[at][..., None], low + _capped(margin))
        evidence[at] = _mean(ours + _log_ratio(kb[at][..., None], nb[at][..., None], low))
    return evidence


def paired_log_evidence(
    only_candidate: npt.ArrayLike, only_baseline: npt.ArrayLike, pairs: npt.ArrayLike, margin: float
) -> Array:
    """Return the same where each observation is a pair, and events are those that only one of the two had.

    >>> float(paired_log_evidence(0, 0, 0, 0.01))
    0.0
    >>> bool(paired_log_evidence(4, 4, 2000, 0.01) > np.log(100) > paired_log_evidence(24, 4, 2000, 0.01))
    True
    """
    kc, kb, n = (np.asarray(part, dtype=np.float64)[..., None] for part in (only_candidate, only_baseline, pairs))
    low = _nearest_paired(margin)
    high = low + _capped(margin)
    scores = (
        kc * np.log(PAIRED_RATES / high)
        + kb * np.log(PAIRED_RATES / low)
        + (n - kc - kb) * np.log((1.0 - 2.0 * PAIRED_RATES) / (1.0 - low - high))
    )
    return _mean(scores)


def _mean(scores: Array) -> Array:
    return np.asarray(logsumexp(scores, axis=-1) - np.log(scores.shape[-1]), dtype=np.float64)


def _capped(margin: float) -> float:
    return min(margin, LARGEST_MARGIN)


def _log_ratio(events: Array, observations: Array, against: Array) -> Array:
    return events * np.log(RATES / against) + (observations - events) * np.log((1.0 - RATES) / (1.0 - against))


@lru_cache(maxsize=1024)
def _nearest(margin: float, share_step: int) -> Array:
    """Return, per common rate, the baseline's rate of the nearest pair that differs by the margin."""
    gap = _capped(margin)
    share = min(max(share_step / SHARE_STEPS, 0.01), 0.99)

    def slope(low: Array) -> Array:
        high = low + gap
        ours = share * ((1.0 - RATES) / (1.0 - high) - RATES / high)
        return np.asarray(ours + (1.0 - share) * ((1.0 - RATES) / (1.0 - low) - RATES / low))

    return _root(slope, 1.0 - gap)


@lru_cache(maxsize=64)
def _nearest_paired(margin: float) -> Array:
    gap = _capped(margin)
    rates = PAIRED_RATES

    def slope(low: Array) -> Array:
        rest = 2.0 * (1.0 - 2.0 * rates) / (1.0 - 2.0 * low - gap)
        return np.asarray(rest - rates / (low + gap) - rates / low)

    return _root(slope, (1.0 - gap) / 2.0)


def _root(slope: Callable[[Array], Array], end: float) -> Array:
    """Return where an increasing function of each rate becomes positive between 0 and an end."""
    low, high = np.full(RATES.shape, 1e-15), np.full(RATES.shape, end * (1.0 - 1e-12))
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        beyond = slope(middle) > 0
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    return high
