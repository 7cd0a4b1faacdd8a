"""The small model beside a version: what is loaded, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from lifecycle.errors import ArtifactInvalid
from lifecycle.manifest import Manifest, SmallModel
from stores.predictor import load_predictor
from stores.small import judged_rows, load_small, prove_small
from stores.versions import VersionFiles, file_digest, read_version
from tests.stores.artifacts import add_small, feature_matrix, write_manifest, write_version


@pytest.fixture
def files(tmp_path: Path) -> VersionFiles:
    """Return a version that has a small model."""
    folder = tmp_path / "1"
    add_small(folder, write_version(folder))
    return read_version(folder, "toy")


def changed(files: VersionFiles, **changes: object) -> VersionFiles:
    """Return files whose manifest says something else of the small model."""
    assert files.manifest.small is not None
    small = files.manifest.small.model_copy(update=changes)
    return VersionFiles(files.folder, files.manifest.model_copy(update={"small": small}))


def test_small_model_scores_the_same_vector(files: VersionFiles) -> None:
    """It is another model than the version, on the same columns."""
    small = load_small(files)
    assert small is not None
    version = load_predictor(files)
    assert small.vector == version.vector
    matrix = feature_matrix(50)
    assert not (small.score(matrix) == version.score(matrix)).all()
    prove_small(files, small)


def test_version_without_a_small_model_has_none(tmp_path: Path) -> None:
    """As every version that somebody else registered."""
    write_version(tmp_path / "1")
    files = read_version(tmp_path / "1", "toy")
    assert load_small(files) is None
    assert judged_rows(files) is None


def test_small_model_that_does_not_reproduce_its_scores_is_refused(files: VersionFiles) -> None:
    """It stands in for the version, so it must be the one that was judged."""
    assert files.manifest.small is not None
    other = (0.5, *files.manifest.small.scores[1:])
    with pytest.raises(ArtifactInvalid, match="row 0 of its own example"):
        load_small(changed(files, scores=other))
    small = load_small(files)
    assert small is not None
    with pytest.raises(ArtifactInvalid, match="row 0 of its own example"):
        prove_small(changed(files, scores=other), small)


def test_altered_small_model_is_refused_with_the_version(files: VersionFiles) -> None:
    """Its digest is in the manifest as every file's."""
    (files.folder / "small.ubj").write_bytes(b"something else")
    with pytest.raises(ArtifactInvalid, match=r"small\.ubj has SHA-256"):
        read_version(files.folder, "toy")


@pytest.mark.parametrize("which", ["model_file", "judged_file"])
def test_file_without_a_digest_is_not_opened(files: VersionFiles, which: str) -> None:
    """Nobody has checked it."""
    with pytest.raises(ArtifactInvalid, match="gives no digest for its small model's file 'other'"):
        (load_small if which == "model_file" else judged_rows)(changed(files, **{which: "other"}))


def test_format_that_could_carry_code_is_refused() -> None:
    """A small model is believed to be what the manifest says it is."""
    with pytest.raises(ValidationError, match="xgboost-ubj"):
        SmallModel.model_validate({"format": "onnx", "model_file": "a", "judged_file": "b", "scores": ()})


def test_judged_rows_are_label_version_and_small(files: VersionFiles) -> None:
    """All of them shares and probabilities."""
    judged = judged_rows(files)
    assert judged is not None
    assert judged.shape == (2000, 3)
    assert judged.dtype == np.float64
    assert set(np.unique(judged[:, 0])) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (np.zeros((3, 3)), "holds float64"),
        (np.zeros((3, 2), dtype=np.float32), r"shape \(3, 2\)"),
        (np.full((3, 3), 1.5, dtype=np.float32), "label of row 0 is 1.5"),
        (np.full((3, 3), np.nan, dtype=np.float32), "label of row 0 is nan"),
        (np.array([{"a": 1}], dtype=object), "cannot be read"),
    ],
)
def test_judged_rows_of_another_kind_are_refused(files: VersionFiles, rows: np.ndarray, told: str) -> None:
    """A file that is no table of scores names what it holds; an object array could run code and is not opened."""
    path = files.folder / "small_judged.npy"
    np.save(path, rows, allow_pickle=True)
    digests = files.manifest.files | {path.name: file_digest(path)}
    manifest: Manifest = files.manifest.model_copy(update={"files": digests})
    write_manifest(files.folder, manifest)
    with pytest.raises(ArtifactInvalid, match=told):
        judged_rows(read_version(files.folder, "toy"))
