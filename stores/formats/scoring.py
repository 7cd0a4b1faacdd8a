"""What every format becomes: a function from a feature matrix to probabilities, checked on the way out."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from lifecycle.errors import ArtifactInvalid

Score: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""From (n_rows, n_inputs) float32 to (n_rows,) float64, the probability of the positive class."""


def probabilities(given: object, n_rows: int) -> np.ndarray:
    """Return a model's output as (n_rows,) float64.

    Raises ArtifactInvalid saying what came instead, when the shape is another, or a score is not from 0 to 1.
    """
    try:
        scores = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ArtifactInvalid(f"the model gave {type(given).__name__}; allowed: one probability per row") from error
    if scores.shape != (n_rows,):
        raise ArtifactInvalid(
            f"the model gave an array of shape {scores.shape} for {n_rows} rows; allowed: ({n_rows},), "
            "the probability of class 1 for each"
        )
    # NaN fails both comparisons, so it is found here as well.
    wrong = np.flatnonzero(~((scores >= 0) & (scores <= 1)))
    if wrong.size:
        row = int(wrong[0])
        raise ArtifactInvalid(
            f"the model gave {scores[row]!r} for row {row}, and {wrong.size} of {n_rows} scores like it; "
            "allowed: probabilities from 0 to 1"
        )
    return scores


def of_class_one(given: object, n_rows: int) -> object:
    """Return the second of two columns that sum to 1, a lone column as it is, anything else unchanged."""
    if not isinstance(given, np.ndarray):
        return given
    if given.shape == (n_rows, 1):
        return given[:, 0]
    if given.shape != (n_rows, 2):
        return given
    uneven = np.flatnonzero(~(np.abs(given.sum(axis=1) - 1) < 1e-3))  # noqa: PLR2004 - float32 rounds
    if uneven.size:
        raise ArtifactInvalid(
            f"the model gave {given[uneven[0]].tolist()} for row {uneven[0]}; allowed: probabilities of the "
            "classes 0 and 1, which sum to 1"
        )
    return given[:, 1]
