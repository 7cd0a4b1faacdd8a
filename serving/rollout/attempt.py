"""What a version on trial makes of a micro-batch, in its own thread."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lifecycle.errors import InvalidInput
from serving.parts import Scores
from serving.predicted import VersionFailed, predicted, reason_of


@dataclass(frozen=True, slots=True)
class Attempted:
    """One ask's scores, (n_rows,) float64, or why there are none.

    `unscorable` marks rows that no version could score: that is nobody's failure.
    """

    scores: np.ndarray | None
    reason: str = ""
    unscorable: bool = False


def attempt(version: str, predictor: Scores, matrix: np.ndarray, sizes: Sequence[int]) -> list[Attempted]:
    """Return what a version makes of asks of `sizes` rows: all at once, and one by one when that fails.

    Nothing that the version does is raised.
    """
    ends = np.cumsum(sizes).tolist()
    parts = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    whole = _one(version, predictor, matrix)
    if whole.scores is not None:
        return [Attempted(whole.scores[part]) for part in parts]
    if len(parts) == 1:
        return [whole]
    return [_one(version, predictor, matrix[part]) for part in parts]


def sorted_out(result: Sequence[Attempted]) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
    """Return the numbers of the asks that were scored, that no version could score, and that this one failed at."""
    failed = [number for number, one in enumerate(result) if one.scores is None]
    if not failed:
        return range(len(result)), (), ()
    good = [number for number, one in enumerate(result) if one.scores is not None]
    odd = [number for number in failed if result[number].unscorable]
    return good, odd, [number for number in failed if not result[number].unscorable]


def _one(version: str, predictor: Scores, matrix: np.ndarray) -> Attempted:
    try:
        return Attempted(predicted(version, predictor, matrix))
    except InvalidInput as error:
        return Attempted(None, reason_of(error), unscorable=True)
    except VersionFailed as error:
        return Attempted(None, error.reason)
