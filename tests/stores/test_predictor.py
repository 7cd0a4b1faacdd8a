"""A loaded version: the same scores in any batch, and proof that it is the one that was trained."""

from pathlib import Path

import numpy as np
import pytest

from lifecycle.errors import ArtifactInvalid, InvalidInput
from stores.predictor import Predictor, load_predictor, prove
from stores.versions import VersionFiles, file_digest, read_version
from tests.stores.artifacts import VECTOR, feature_matrix, write_version


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> VersionFiles:
    """Return a version on disk."""
    folder = tmp_path_factory.mktemp("version") / "1"
    write_version(folder)
    return read_version(folder, "toy")


@pytest.fixture(scope="module")
def predictor(files: VersionFiles) -> Predictor:
    """Return the version, loaded."""
    return load_predictor(files)


@pytest.mark.parametrize("batch", [1, 7, 64, 512])
def test_row_scores_the_same_in_every_batch(predictor: Predictor, batch: int) -> None:
    """Whichever rows a request shares a micro-batch with, its score has the same bits."""
    matrix = feature_matrix(1024)
    whole = predictor.score(matrix)
    parts = [predictor.score(matrix[first : first + batch]) for first in range(0, len(matrix), batch)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_scores_are_probabilities_in_double_precision(predictor: Predictor) -> None:
    """One float64 per row between 0 and 1, and none for no rows."""
    scores = predictor.score(feature_matrix(100))
    assert scores.shape == (100,)
    assert scores.dtype == np.float64
    assert ((scores > 0) & (scores < 1)).all()
    assert predictor.score(feature_matrix(0)).shape == (0,)


def test_row_slice_of_a_wider_matrix_scores_like_its_copy(predictor: Predictor) -> None:
    """Memory layout is nobody's business: a strided view gives the same bits."""
    wide = np.hstack([feature_matrix(64), feature_matrix(64)])
    assert (predictor.score(wide[:, : len(VECTOR)]) == predictor.score(feature_matrix(64))).all()


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.zeros((2, 2), np.float32), r"shape \(2, 2\); allowed: \(rows, 3\)"),
        (np.zeros(3, np.float32), r"shape \(3,\)"),
        (np.zeros((2, 3)), "float64; allowed: float32"),
        (np.array([[0, 0, 0], [0, np.nan, 0]], np.float32), "load in row 1 is nan; allowed: finite numbers"),
        (np.array([[0, 0, np.inf]], np.float32), "age in row 0 is inf"),
    ],
)
def test_matrix_that_does_not_fit_is_refused(predictor: Predictor, matrix: np.ndarray, words: str) -> None:
    """XGBoost would read NaN as missing and cast types in silence; here they are errors."""
    with pytest.raises(InvalidInput, match=words):
        predictor.score(matrix)


def test_version_proves_itself(files: VersionFiles, predictor: Predictor) -> None:
    """The shipped example is reproduced bit for bit."""
    prove(files, predictor)


def test_score_off_by_one_bit_is_no_proof(files: VersionFiles, predictor: Predictor) -> None:
    """The smallest change of a score on record is seen, and told with both numbers."""
    example = files.manifest.example
    scores = list(example.scores)
    scores[5] = float(np.nextafter(scores[5], 1))
    altered = _with_example(files, example.model_copy(update={"scores": tuple(scores)}))
    with pytest.raises(ArtifactInvalid, match="row 5 of its own example"):
        prove(altered, predictor)


def test_example_that_is_empty_or_uneven_is_no_proof(files: VersionFiles, predictor: Predictor) -> None:
    """A version that proves nothing is not believed."""
    example = files.manifest.example
    for update in ({"scores": example.scores[:-1]}, {"request": (), "features": (), "scores": ()}):
        with pytest.raises(ArtifactInvalid, match="at least one row"):
            prove(_with_example(files, example.model_copy(update=update)), predictor)


def test_example_with_a_gap_is_no_proof(files: VersionFiles, predictor: Predictor) -> None:
    """A missing value in the example cannot have been scored."""
    example = files.manifest.example
    features = ((None, 0.0, 0.0), *example.features[1:])
    with pytest.raises(ArtifactInvalid, match="level in row 0 is nan"):
        prove(_with_example(files, example.model_copy(update={"features": features})), predictor)


def test_file_that_is_no_booster_is_refused(tmp_path: Path, files: VersionFiles) -> None:
    """Bytes that fit their digest can still be nonsense."""
    path = tmp_path / "model.ubj"
    path.write_bytes(b"\x80\x04 not a booster")
    manifest = files.manifest.model_copy(update={"files": {"model.ubj": file_digest(path)}})
    with pytest.raises(ArtifactInvalid, match="cannot be loaded as an XGBoost model"):
        load_predictor(VersionFiles(tmp_path, manifest))


def test_manifest_with_another_number_of_features_is_refused(files: VersionFiles) -> None:
    """A vector that does not fit the model is found before the first request."""
    manifest = files.manifest.model_copy(update={"vector": ("level", "load")})
    with pytest.raises(ArtifactInvalid, match=r"takes 3 features; its signature names 2\. Log it with"):
        load_predictor(VersionFiles(files.folder, manifest))


def _with_example(files: VersionFiles, example: object) -> VersionFiles:
    return VersionFiles(files.folder, files.manifest.model_copy(update={"example": example}))


def test_version_takes_its_own_columns_of_the_vector(tmp_path: Path, files: VersionFiles, predictor: Predictor) -> None:
    """The gateway hands over the whole vector; a version picks what it was trained on, in its own order."""
    vector = ("age", "other", "level", "load")
    manifest = files.manifest.model_copy(update={"vector": vector, "inputs": VECTOR})
    projecting = load_predictor(VersionFiles(files.folder, manifest))
    wide = np.zeros((50, 4), np.float32)
    rows = feature_matrix(50)
    wide[:, [2, 3, 0]] = rows
    assert (projecting.score(wide) == predictor.score(rows)).all()
    with pytest.raises(ArtifactInvalid, match="takes load; allowed: features of"):
        load_predictor(VersionFiles(files.folder, manifest.model_copy(update={"vector": ("level", "age")})))


def test_example_of_a_version_from_elsewhere_needs_no_requests(files: VersionFiles, predictor: Predictor) -> None:
    """It was trained on features, and nobody knows what was asked."""
    prove(_with_example(files, files.manifest.example.model_copy(update={"request": ()})), predictor)


@pytest.mark.parametrize(("off", "proven"), [(1e-7, True), (1e-5, False)])
def test_other_formats_prove_themselves_within_a_tolerance(files: VersionFiles, off: float, proven: bool) -> None:  # noqa: FBT001 - a case
    """Their matrix products round by batch size; a booster's sums do not."""
    example = files.manifest.example
    manifest = files.manifest.model_copy(update={"format": "onnx"})
    strayed = Predictor(VECTOR, lambda _: np.array(example.scores) * (1 + off))
    if proven:
        prove(VersionFiles(files.folder, manifest), strayed)
        with pytest.raises(ArtifactInvalid):
            prove(files, strayed)
    else:
        with pytest.raises(ArtifactInvalid, match="is on record"):
            prove(VersionFiles(files.folder, manifest), strayed)


def test_model_that_gives_no_probability_is_named(files: VersionFiles) -> None:
    """Nothing but probabilities leaves a predictor."""
    odd = Predictor(VECTOR, lambda matrix: np.full(len(matrix), np.nan))
    with pytest.raises(ArtifactInvalid, match=r"nan.*for row 0.*allowed: probabilities from 0 to 1"):
        odd.score(feature_matrix(3))
