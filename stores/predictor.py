"""A model version in memory: scores from a feature matrix, the same bits for a row in any batch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lifecycle.errors import ArtifactInvalid, InvalidInput
from stores.versions import VersionFiles

if TYPE_CHECKING:
    from xgboost import Booster


@dataclass(frozen=True)
class Predictor:
    """One loaded version; `vector` names the matrix columns it expects, in order."""

    vector: tuple[str, ...]
    predict: Callable[[np.ndarray], np.ndarray]

    def score(self, matrix: np.ndarray) -> np.ndarray:
        """Return the probability of the positive class per row, (n_rows,) float64.

        `matrix` is (n_rows, n_features) float32 and finite. A row's score does not depend on the
        rows beside it. Raises InvalidInput for another shape, type, or a value that is not finite.
        """
        if matrix.ndim != 2 or matrix.shape[1] != len(self.vector):  # noqa: PLR2004 - rows and columns
            raise InvalidInput(f"the matrix has shape {matrix.shape}; allowed: (rows, {len(self.vector)})")
        if matrix.dtype != np.float32:
            raise InvalidInput(f"the matrix holds {matrix.dtype}; allowed: float32")
        finite = np.isfinite(matrix)
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            raise InvalidInput(
                f"{self.vector[column]} in row {row} is {matrix[row, column]}; allowed: finite numbers, "
                "with missing ones filled by their declared defaults"
            )
        return self.predict(matrix)


def load_predictor(files: VersionFiles) -> Predictor:
    """Return a version's predictor, loaded from the model file alone: nothing in it can run code.

    Raises ArtifactInvalid when the file is no booster or takes another number of features.
    """
    import xgboost  # noqa: PLC0415 - a process that never scores need not load it

    path = files.folder / files.manifest.model_file
    try:
        # One thread: batches are small, and a replica's cores belong to other requests.
        booster = xgboost.Booster(params={"nthread": 1}, model_file=path)
    except ValueError as error:
        # XGBoostError is one, and so is XGBoost's failure to decode its own message about odd bytes.
        cause = str(error).partition("\n")[0]
        raise ArtifactInvalid(f"{path} cannot be loaded as an XGBoost model: {cause}") from error
    vector = files.manifest.vector
    if booster.num_features() != len(vector):
        raise ArtifactInvalid(f"{path} takes {booster.num_features()} features; its manifest names {len(vector)}")

    return predictor_of(booster, vector)


def predictor_of(booster: "Booster", vector: tuple[str, ...]) -> Predictor:
    """Return the predictor of a booster in memory, which scores as the loaded file will."""

    def predict(matrix: np.ndarray) -> np.ndarray:
        return np.asarray(booster.inplace_predict(matrix), dtype=np.float64)

    return Predictor(vector, predict)


def prove(files: VersionFiles, predictor: Predictor) -> None:
    """Raise ArtifactInvalid unless the version gives its own example's scores, bit for bit."""
    example = files.manifest.example
    matrix = np.array(example.features, dtype=np.float32)
    if not len(matrix) == len(example.scores) == len(example.request) > 0:
        raise ArtifactInvalid(
            f"{files.folder}: the example has {len(example.request)} requests, {len(matrix)} feature rows and "
            f"{len(example.scores)} scores; allowed: one of each per row, and at least one row"
        )
    try:
        given = predictor.score(matrix)
    except InvalidInput as error:
        raise ArtifactInvalid(f"{files.folder}: the example cannot be scored: {error}") from error
    expected = np.array(example.scores, dtype=np.float64)
    differing = np.flatnonzero(given != expected)
    if differing.size:
        row = differing[0]
        raise ArtifactInvalid(
            f"{files.folder}: row {row} of its own example scores {given[row]!r}, but {expected[row]!r} is on "
            "record; the model file or the library that runs it has changed"
        )
