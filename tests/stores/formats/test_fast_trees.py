"""A booster's trees run by ONNX Runtime."""

import numpy as np
import xgboost

from stores.formats.fast_trees import fast_score
from tests.stores.artifacts import VECTOR, feature_matrix


def grown(rounds: int = 20) -> xgboost.Booster:
    """Return a booster of the toy."""
    matrix = feature_matrix(2000)
    labels = (matrix[:, 0] * matrix[:, 1] > 0).astype(int)
    rows = xgboost.QuantileDMatrix(matrix, label=labels, feature_names=list(VECTOR))
    return xgboost.train({"objective": "binary:logistic", "max_depth": 4, "nthread": 1}, rows, rounds)


def test_scores_are_the_booster_s_but_for_the_last_digits() -> None:
    """Also at the very values that trees split on."""
    booster = grown()
    splits = booster.trees_to_dataframe()["Split"].dropna().to_numpy()
    matrix = feature_matrix(2000)
    matrix[: len(splits), 0] = splits[: len(matrix)]
    expected = booster.inplace_predict(matrix).astype(np.float64)
    np.testing.assert_allclose(fast_score(booster, VECTOR)(matrix), expected, atol=1e-6)


def test_row_scores_the_same_alone_and_among_others() -> None:
    """A score must depend on nothing but its row."""
    score = fast_score(grown(), VECTOR)
    matrix = feature_matrix(100)
    alone = np.concatenate([score(matrix[row : row + 1]) for row in range(len(matrix))])
    np.testing.assert_allclose(alone, score(matrix), rtol=1e-6)


def test_booster_read_from_a_file_scores_the_same() -> None:
    """Its base score is read the same way whether it was just grown or loaded."""
    booster = grown()
    loaded = xgboost.Booster()
    loaded.load_model(bytearray(booster.save_raw("ubj")))
    matrix = feature_matrix(100)
    assert (fast_score(loaded, VECTOR)(matrix) == fast_score(booster, VECTOR)(matrix)).all()
