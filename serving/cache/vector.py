"""The features of a row as they were read for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from feature_repo.definition import Columns


@dataclass(frozen=True, slots=True)
class Vector:
    """Features, (n_features,) float32, which of them a default stands for, and the views' event times, (n_views,).

    Of several rows, each with the rows as its first axis.
    """

    features: np.ndarray
    defaulted: np.ndarray
    feature_at: np.ndarray

    def row(self, number: int) -> "Vector":
        """Return one row of several, as a copy that holds nothing of the others."""
        return Vector(self.features[number].copy(), self.defaulted[number].copy(), self.feature_at[number].copy())


NOTHING_KNOWN: Mapping[int, Vector] = MappingProxyType({})
"""No row's vector is known."""


def around(
    known: Mapping[int, Vector], request: Columns, n_rows: int, read: Callable[[Columns, int], Vector]
) -> Vector:
    """Return the vectors of all rows, of which those that are not `known`, by their places, are read."""
    kept, places = list(known.values()), list(known)
    unknown = [row for row in range(n_rows) if row not in known]
    new = read({name: column[unknown] for name, column in request.items()}, len(unknown)) if unknown else None

    def joined(name: str) -> np.ndarray:
        mine = np.stack([getattr(vector, name) for vector in kept])
        whole = np.empty((n_rows, *mine.shape[1:]), mine.dtype)
        whole[places] = mine
        if new is not None:
            whole[unknown] = getattr(new, name)
        return whole

    return Vector(joined("features"), joined("defaulted"), joined("feature_at"))
