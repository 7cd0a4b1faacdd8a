"""A loaded model on its own example: whether it answers, the same each time and in any batch, and how fast."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lifecycle.errors import ArtifactInvalid
from stores.formats.scoring import Score, probabilities
from stores.predictor import RELATIVE_TOLERANCE

WARM_UPS = 5
REPEATS = 25
ROUNDS = 3
"""The best of three rounds counts: a busy machine slows the check, and is no fault of the version's."""
BATCH = 64
LONGEST_ROUND_SECONDS = 3.0


@dataclass(frozen=True)
class Tested:
    """The example's scores, (n_rows,), and the median milliseconds of scoring 1 and 64 rows."""

    scores: np.ndarray
    latency_ms_1_row: float
    latency_ms_64_rows: float


def run_self_test(score: Score, matrix: np.ndarray) -> Tested:
    """Return what a model gave for its example, (n_rows, n_inputs) float32.

    Raises ArtifactInvalid when it gives no probabilities, other ones the second time, or other ones for a row alone
    than among others, beyond a relative RELATIVE_TOLERANCE.
    """
    together = _asked(score, matrix)
    again = _asked(score, matrix)
    _require_same(together, again, 0.0, "asked a second time")
    alone = np.concatenate([_asked(score, matrix[row : row + 1]) for row in range(len(matrix))])
    _require_same(together, alone, RELATIVE_TOLERANCE, "asked alone")
    many = np.resize(matrix, (BATCH, matrix.shape[1]))
    return Tested(together, _latency_ms(lambda: score(matrix[:1])), _latency_ms(lambda: score(many)))


def _asked(score: Score, matrix: np.ndarray) -> np.ndarray:
    try:
        return probabilities(score(matrix), len(matrix))
    except ArtifactInvalid as error:
        raise ArtifactInvalid(f"On its own example, {error}.") from error
    except Exception as error:  # whatever a library raises, it is the version that did not answer
        cause = str(error).partition("\n")[0]
        raise ArtifactInvalid(
            f"On its own example, it failed with {type(error).__name__}: {cause}. Score the example in a fresh process "
            "of your own, with the versions that are served."
        ) from error


def _require_same(first: np.ndarray, second: np.ndarray, tolerance: float, how: str) -> None:
    differing = np.flatnonzero(np.abs(first - second) > tolerance * np.abs(first))
    if differing.size:
        row = int(differing[0])
        raise ArtifactInvalid(
            f"Row {row} of its own example scores {first[row]!r}, and {second[row]!r} when {how}; allowed: the same, "
            f"within {tolerance:g} of it. A score must depend on nothing but its row."
        )


def _latency_ms(run: Callable[[], object]) -> float:
    return min(_median_ms(run) for _ in range(ROUNDS))


def _median_ms(run: Callable[[], object]) -> float:
    for _ in range(WARM_UPS):
        run()
    taken: list[float] = []
    until = time.perf_counter() + LONGEST_ROUND_SECONDS
    while not taken or (len(taken) < REPEATS and time.perf_counter() < until):
        started = time.perf_counter()
        run()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)
