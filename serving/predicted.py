"""What a version says to a matrix, and an error that tells its failures from ours."""

import numpy as np

from lifecycle.errors import HoldfastError, InvalidInput
from serving.parts import Scores

SHOWN_CHARACTERS = 500


class VersionFailed(HoldfastError):
    """A version could not score rows that it was given whole; `reason` is for the log."""

    def __init__(self, version: str, reason: str) -> None:
        self.version = version
        self.reason = reason
        super().__init__(f"version {version} could not score this request ({reason})")


def predicted(version: str, predictor: Scores, matrix: np.ndarray) -> np.ndarray:
    """Return a version's scores, (n_rows,) float64 and contiguous.

    Raises VersionFailed for whatever is the version's own doing, and InvalidInput for a matrix no version could score.
    """
    try:
        # A view into a wider array would not be the buffer that the log takes it for.
        return np.ascontiguousarray(predictor.score(matrix))
    except InvalidInput:
        raise
    except (Exception, SystemExit) as error:
        raise VersionFailed(version, reason_of(error)) from error


def reason_of(error: BaseException) -> str:
    """Return an error in one bounded line for the log."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:SHOWN_CHARACTERS]
