"""The small model beside a version: loaded, proven, and how it did on the judged rows."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lifecycle.errors import ArtifactInvalid
from lifecycle.manifest import SmallModel
from lifecycle.rollout_policy import Format
from stores.formats.fast_trees import fast_score
from stores.predictor import Predictor, load_predictor, prove
from stores.versions import VersionFiles

if TYPE_CHECKING:
    from xgboost import Booster

RUN_AS: Format = "onnx"
"""Whatever it is kept as, ONNX Runtime runs it, and its scores are as exact as that format's."""

COLUMNS = ("label", "version", "small")
"""Of the file of judged rows: the label, the version's score, and the small model's."""


def load_small(files: VersionFiles) -> Predictor | None:
    """Return a version's small model, loaded and proven on the version's own example; None when it has none.

    Raises ArtifactInvalid when it does not do what the manifest says.
    """
    small = files.manifest.small
    if small is None:
        return None
    import xgboost  # noqa: PLC0415 - a process that never scores need not load it

    mine = _as_version(files, small)
    # XGBoost's own reading first: it says what is wrong with a file.
    load_predictor(mine)
    booster = xgboost.Booster(model_file=files.folder / mine.manifest.model_file)
    predictor = small_predictor(booster, files.manifest.vector)
    prove_small(files, predictor)
    return predictor


def small_predictor(booster: "Booster", vector: tuple[str, ...]) -> Predictor:
    """Return the predictor of a small model in memory, which scores as the loaded file will."""
    return Predictor(vector, fast_score(booster, vector))


def prove_small(files: VersionFiles, predictor: Predictor) -> None:
    """Raise ArtifactInvalid unless a version's small model still gives the scores on record."""
    if files.manifest.small is not None:
        mine = _as_version(files, files.manifest.small)
        prove(replace(mine, manifest=mine.manifest.model_copy(update={"format": RUN_AS})), predictor)


def judged_rows(files: VersionFiles) -> np.ndarray | None:
    """Return (n_rows, 3) float64, columns as COLUMNS, of rows that neither model learned from; None without a small.

    Raises ArtifactInvalid when the file holds anything else.
    """
    small = files.manifest.small
    if small is None:
        return None
    path = files.folder / _named(files, small.judged_file)
    try:
        rows = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ArtifactInvalid(f"{path} cannot be read as judged rows: {error}; train the version again") from error
    if rows.dtype != np.float32 or rows.ndim != 2 or rows.shape[1] != len(COLUMNS):  # noqa: PLR2004 - rows and columns
        raise ArtifactInvalid(
            f"{path} holds {rows.dtype} of shape {rows.shape}; allowed: float32 of (rows, {len(COLUMNS)})"
        )
    judged: np.ndarray = rows.astype(np.float64)
    outside = ~((judged >= 0) & (judged <= 1))
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise ArtifactInvalid(f"{path}: {COLUMNS[column]} of row {row} is {judged[row, column]}; allowed: 0 to 1")
    return judged


def _as_version(files: VersionFiles, small: SmallModel) -> VersionFiles:
    """Return the small model's file as a version of its own, so that it is loaded and proven like any."""
    manifest = files.manifest.model_copy(
        update={
            "format": small.format,
            "model_file": _named(files, small.model_file),
            "inputs": None,
            "example": files.manifest.example.model_copy(update={"scores": small.scores}),
            "small": None,
        }
    )
    return replace(files, manifest=manifest)


def _named(files: VersionFiles, name: str) -> str:
    """Return a file's name; raises ArtifactInvalid when the manifest gives no digest that it was checked by."""
    if name not in files.manifest.files:
        raise ArtifactInvalid(f"the manifest in {files.folder} gives no digest for its small model's file {name!r}")
    return name
