"""A model version in memory: scores from a feature matrix, alone or beside other rows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lifecycle.errors import ArtifactInvalid, InvalidInput
from lifecycle.resources_policy import Device
from lifecycle.rollout_policy import Format
from stores.formats.loading import load_model
from stores.formats.scoring import Score, probabilities
from stores.versions import VersionFiles

if TYPE_CHECKING:
    from xgboost import Booster

EXACT: frozenset[Format] = frozenset({"xgboost-ubj", "xgboost-json"})
"""Formats whose library gives a row the same bits in every batch."""
RELATIVE_TOLERANCE = 1e-6
"""How far other formats may stray from the score on record: their matrix products round by batch size."""


@dataclass(frozen=True)
class Predictor:
    """One loaded version; `vector` names the matrix columns it is given, in order.

    `columns` are the positions of those it takes, None when it takes them all as they are. It computes on `device`.
    A `bounded` one cannot hang: it walks down trees, and nothing of it is code.
    """

    vector: tuple[str, ...]
    predict: Score
    columns: tuple[int, ...] | None = None
    device: Device = "cpu"
    bounded: bool = False

    def score(self, matrix: np.ndarray) -> np.ndarray:
        """Return the probability of the positive class per row, (n_rows,) float64.

        `matrix` is (n_rows, n_features) float32 and finite. A row's score does not depend on the
        rows beside it. Raises InvalidInput for another shape, type, or a value that is not finite, and
        ArtifactInvalid when the model gives anything but probabilities.
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
        if not len(matrix):
            # Not every library takes a matrix without rows.
            return np.empty(0, dtype=np.float64)
        taken = matrix if self.columns is None else np.ascontiguousarray(matrix[:, self.columns])
        return probabilities(self.predict(taken), len(matrix))


def load_predictor(files: VersionFiles, device: Device = "cpu") -> Predictor:
    """Return a version's predictor, loaded from the model file alone, that computes on a device.

    Nothing in the file can run code, but for a pickle, which only a policy can allow. Raises ArtifactInvalid when the
    file is not what its manifest says, or takes other columns, and Unavailable when it cannot compute there.
    """
    manifest = files.manifest
    inputs = manifest.vector if manifest.inputs is None else manifest.inputs
    unknown = [name for name in inputs if name not in manifest.vector]
    if unknown:
        raise ArtifactInvalid(f"{files.folder} takes {', '.join(unknown)}; allowed: features of {manifest.vector}")
    predict = load_model(manifest.format, files.folder / manifest.model_file, inputs, device)
    columns = None if manifest.inputs is None else tuple(manifest.vector.index(name) for name in inputs)
    return Predictor(manifest.vector, predict, columns, device, manifest.format in EXACT and device == "cpu")


def predictor_of(booster: "Booster", vector: tuple[str, ...]) -> Predictor:
    """Return the predictor of a booster in memory, which scores as the loaded file will."""

    def predict(matrix: np.ndarray) -> np.ndarray:
        return np.asarray(booster.inplace_predict(matrix), dtype=np.float64)

    return Predictor(vector, predict)


def prove(files: VersionFiles, predictor: Predictor) -> None:
    """Raise ArtifactInvalid unless the version gives its own example's scores.

    A booster must give them bit for bit, other formats and other devices within RELATIVE_TOLERANCE. A version that was
    trained elsewhere has no requests in its example.
    """
    example = files.manifest.example
    matrix = np.array(example.features, dtype=np.float32)
    if not len(matrix) == len(example.scores) > 0 or len(example.request) not in (0, len(matrix)):
        raise ArtifactInvalid(
            f"{files.folder}: the example has {len(example.request)} requests, {len(matrix)} feature rows and "
            f"{len(example.scores)} scores; allowed: one of each per row, and at least one row"
        )
    try:
        given = predictor.score(matrix)
    except InvalidInput as error:
        raise ArtifactInvalid(f"{files.folder}: the example cannot be scored: {error}") from error
    expected = np.array(example.scores, dtype=np.float64)
    differing = np.flatnonzero(~same_scores(given, expected, files.manifest.format, predictor.device))
    if differing.size:
        row = differing[0]
        raise ArtifactInvalid(
            f"{files.folder}: row {row} of its own example scores {given[row]!r}, but {expected[row]!r} is on "
            "record; the model file or the library that runs it has changed"
        )


def same_scores(given: np.ndarray, expected: np.ndarray, format_name: Format, device: Device = "cpu") -> np.ndarray:
    """Return which of two runs' scores agree as the format must, (n_rows,) bool; a GPU adds up in another order."""
    if format_name in EXACT and device == "cpu":
        return np.asarray(given == expected)
    return np.asarray(np.abs(given - expected) <= RELATIVE_TOLERANCE * np.abs(expected))
