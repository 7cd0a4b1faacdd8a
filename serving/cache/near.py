"""Feature vectors that lie near enough to one seen lately, by the tolerances that the policy declares."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from cachetools import TTLCache


class NearCache:
    """Scores of one version by feature vector; of one replica, on its event loop.

    A feature with a tolerance is rounded to multiples of it, so that two values that count as one are never further
    apart than that; all other features must be the same to the bit. Scores are kept as in ExactCache.
    """

    def __init__(
        self,
        vector: Sequence[str],
        tolerances: Mapping[str, float],
        seconds: float,
        at_most: int,
        monotonic: Callable[[], float],
    ) -> None:
        self._columns = [column for column, name in enumerate(vector) if name in tolerances]
        self._within = np.array([tolerances[vector[column]] for column in self._columns])
        self._kept: TTLCache[bytes, float] = TTLCache(at_most, seconds, monotonic)

    def keys(self, matrix: np.ndarray) -> list[bytes]:
        """Return what each row of an (n_rows, n_features) float32 matrix is kept under."""
        rounded = matrix.astype(np.float64)
        rounded[:, self._columns] = np.rint(rounded[:, self._columns] / self._within)
        # A zero has two signs, and only one of them may be a key.
        rounded += 0.0
        return [row.tobytes() for row in rounded]

    def find(self, key: bytes) -> float | None:
        """Return the score kept under a key, None for one that was not seen lately."""
        return self._kept.get(key)

    def keep(self, key: bytes, score: float) -> None:
        """Keep a score, newly computed."""
        self._kept[key] = score
