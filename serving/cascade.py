"""The first step of the cascade: what the small model is sure of."""

import numpy as np

from lifecycle.cascade import Bands
from serving.parts import Scores
from serving.predicted import predicted


def answered_by_small(version: str, small: Scores, bands: Bands, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a small model's scores, (n_rows,) float64, and which of them it is sure of, (n_rows,) bool.

    Raises VersionFailed and InvalidInput as `predicted` does; `version` is the one that the small model came with.
    """
    scores = predicted(f"{version} (small)", small, matrix)
    return scores, bands.sure(scores)
