"""The features of a row as they were read for it."""

from dataclasses import dataclass

import numpy as np


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
