"""Whether harm falls on the candidate more often than its share of the observations explains."""

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaln

Array = npt.NDArray[np.float64]

SMALLEST_SHARE = 1e-9
UNDERFLOW = 1e-200


def log_evidence(candidate: npt.ArrayLike, baseline: npt.ArrayLike, share: npt.ArrayLike = 0.5) -> Array:
    """Return the log of an e-value against "an event is the candidate's with a probability of at most `share`".

    `candidate` and `baseline` count events so far; all arguments broadcast. When the claim is true, the e-value
    reaches 1/a at any look with a probability of at most a. It mixes the likelihood ratio uniformly over the
    probabilities above `share` (the truncated beta mixture of Lindon & Malek, Anytime-valid inference for multinomial
    count data, NeurIPS 2022), so nothing is tuned to how rare events are. `share` is the candidate's share of the
    observations: exact when it is constant, and on the safe side at each look when it follows the counts.

    >>> round(float(log_evidence(0, 0)), 9)
    0.0
    >>> round(float(log_evidence(1, 0)), 4) == round(float(np.log(1.5)), 4)
    True
    """
    k, m = np.asarray(candidate, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    s = np.clip(np.asarray(share, dtype=np.float64), SMALLEST_SHARE, 1.0 - SMALLEST_SHARE)
    above = betainc(m + 1.0, k + 1.0, 1.0 - s)
    exact = (
        betaln(k + 1.0, m + 1.0)
        + np.log(np.maximum(above, UNDERFLOW))
        - np.log1p(-s)
        - k * np.log(s)
        - m * np.log1p(-s)
    )
    # Far below the share the integral underflows; an exponential that falls like its edge stands above it.
    steepness = np.maximum(m - k * (1.0 - s) / s, 1.0)
    return np.asarray(np.where(above > UNDERFLOW, exact, -np.log(steepness)), dtype=np.float64)
