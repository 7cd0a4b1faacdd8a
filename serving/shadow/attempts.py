"""One version's attempt at a batch: scores where it gave sound ones, and why where it did not."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lifecycle.errors import ArtifactInvalid
from serving.children.memory import MemoryExhausted, is_exhaustion
from serving.shadow.waiting import own_wait_seconds
from stores.predictor import Predictor

MICROSECONDS = 1_000_000
ERROR_CHARACTERS = 500
LARGEST_US = 2**31 - 1


@dataclass(frozen=True)
class Attempts:
    """`scores` is (n_rows,) float64, NaN where the attempt failed; `errors` says why there, None elsewhere."""

    scores: np.ndarray
    errors: Sequence[str | None]
    predict_us: int

    @property
    def failed(self) -> int:
        """Number of rows without a score."""
        return sum(error is not None for error in self.errors)


def attempt(predictor: Predictor, matrix: np.ndarray) -> Attempts:
    """Return the attempts at an (n_rows, n_features) float32 matrix.

    Raises MemoryExhausted when the system gives the version no more memory.

    When the batch fails as a whole, every row is tried alone, so that an odd one does not fail its neighbours.
    The time is what predicting took, without waiting for a core at the lowest priority.
    """
    began, waited = time.perf_counter(), own_wait_seconds()
    scores, error = _try(predictor, matrix)
    errors: list[str | None] = [error] * len(matrix)
    if error is not None and len(matrix) > 1:
        alone = [_try(predictor, matrix[row : row + 1]) for row in range(len(matrix))]
        scores = np.concatenate([one for one, _ in alone])
        errors = [why for _, why in alone]
    took = time.perf_counter() - began - (own_wait_seconds() - waited)
    return Attempts(scores, errors, microseconds(took))


def all_failed(n_rows: int, reason: str, seconds: float) -> Attempts:
    """Return the attempts of a process that did not come back."""
    return Attempts(np.full(n_rows, np.nan), [reason[:ERROR_CHARACTERS]] * n_rows, microseconds(seconds))


def microseconds(seconds: float) -> int:
    """Return a time as the log's 32 bits hold it."""
    return min(max(int(seconds * MICROSECONDS), 0), LARGEST_US)


def _try(predictor: Predictor, matrix: np.ndarray) -> tuple[np.ndarray, str | None]:
    try:
        scores = np.asarray(predictor.score(matrix), dtype=np.float64)
        _require_probabilities(scores, len(matrix))
    except Exception as error:
        # Whatever an unproven version raises is its failed attempt, but what comes after this one would be no better.
        if is_exhaustion(error):
            raise MemoryExhausted from error
        return np.full(len(matrix), np.nan), f"{type(error).__name__}: {error}"[:ERROR_CHARACTERS]
    return scores, None


def _require_probabilities(scores: np.ndarray, n_rows: int) -> None:
    if scores.shape != (n_rows,):
        raise ArtifactInvalid(f"the scores have shape {scores.shape}; allowed: ({n_rows},)")
    odd = np.flatnonzero(~((scores >= 0.0) & (scores <= 1.0)))
    if odd.size:
        raise ArtifactInvalid(f"a score is {scores[odd[0]]}; allowed: probabilities, 0 to 1")
