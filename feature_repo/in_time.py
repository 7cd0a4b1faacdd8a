"""Whether a feature row may stand for a moment: neither outlived, nor of a time after it."""

import numpy as np
import numpy.typing as npt

CLOCKS_APART_SECONDS = 5.0
"""A row stamped so little after the moment is of that moment: a client's clock and ours may differ by this much."""


def ahead_of(moments: np.ndarray, stamped_at: np.ndarray) -> npt.NDArray[np.bool_]:
    """Return where a row says what was not known yet at the moment it is asked for; both are epoch seconds.

    Online stores keep only the newest row, so whoever asks for a moment that has passed may find one of after it.

    >>> ahead_of(np.array([100.0, 100.0, 100.0]), np.array([100.0, 106.0, np.nan])).tolist()
    [False, True, False]
    """
    return np.asarray(stamped_at - moments > CLOCKS_APART_SECONDS)


def out_of_time(moments: np.ndarray, stamped_at: np.ndarray, limit_seconds: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return where a row counts as missing: older than its view's freshness limit, or of after the moment.

    False where there is no row at all. Arguments broadcast.

    >>> out_of_time(np.array([100.0, 100.0]), np.array([39.0, 41.0]), 60.0).tolist()
    [True, False]
    """
    return np.asarray((moments - stamped_at > limit_seconds) | ahead_of(moments, stamped_at))
