"""Trees from files: sound ones are believed, one number out of place is not."""

from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.base import ClassifierMixin
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from lifecycle.errors import ArtifactInvalid
from stores.formats import sklearn_skops

COLUMNS = ("level", "load")
ROWS = np.random.default_rng(1).normal(size=(300, 2)).astype(np.float32)
ANSWERS = (ROWS[:, 0] * ROWS[:, 1] > 0).astype(int)


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(),
        RandomForestClassifier(5, n_jobs=2),
        GradientBoostingClassifier(n_estimators=5),
        HistGradientBoostingClassifier(max_iter=5),
    ],
)
def test_ensemble_of_trees_scores_as_it_was_fitted(tmp_path: Path, model: ClassifierMixin) -> None:
    """Every kind of tree of scikit-learn's comes back from a skops file."""
    model.fit(ROWS, ANSWERS)
    skops.io.dump(model, tmp_path / "model.skops")
    score = sklearn_skops.load(tmp_path / "model.skops", COLUMNS)
    assert (score(ROWS) == model.predict_proba(ROWS)[:, 1]).all()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("left_child", 10_000, "leads to node 10000; allowed: a later node"),
        ("left_child", 0, "leads to node 0; allowed: a later node"),
        ("left_child", -7, "leads to node -7; allowed: a later node"),
        ("feature", 5_000, "splits on column 5000; allowed: 0 to 1"),
        ("feature", -3, "splits on column -3; allowed: 0 to 1"),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_tree_that_leaves_its_memory_is_refused(
    tmp_path: Path,
    field: str,
    value: int,
    words: str,
    inside: bool,  # noqa: FBT001 - a case
) -> None:
    """scikit-learn would follow the number without looking."""
    model = (RandomForestClassifier(2) if inside else DecisionTreeClassifier()).fit(ROWS, ANSWERS)
    tree = (model.estimators_[1] if inside else model).tree_
    state = tree.__getstate__()
    state["nodes"][field][0] = value
    tree.__setstate__(state)
    skops.io.dump(model, tmp_path / "model.skops")
    with pytest.raises(ArtifactInvalid, match=words):
        sklearn_skops.load(tmp_path / "model.skops", COLUMNS)


@pytest.mark.parametrize(("field", "value"), [("left", 9_999), ("right", 0), ("feature_idx", 77)])
def test_histogram_tree_that_leaves_its_memory_is_refused(tmp_path: Path, field: str, value: int) -> None:
    """The same for the trees of a histogram gradient boosting."""
    model = HistGradientBoostingClassifier(max_iter=2).fit(ROWS, ANSWERS)
    model._predictors[1][0].nodes[field][0] = value
    skops.io.dump(model, tmp_path / "model.skops")
    with pytest.raises(ArtifactInvalid, match="a tree"):
        sklearn_skops.load(tmp_path / "model.skops", COLUMNS)


def test_member_that_claims_more_columns_than_its_forest_is_refused(tmp_path: Path) -> None:
    """A forest hands its rows to its trees unchecked, so what a tree says of itself does not count."""
    wide = np.hstack([ROWS, ROWS])
    model = RandomForestClassifier(2).fit(ROWS, ANSWERS)
    model.estimators_[0] = DecisionTreeClassifier().fit(wide[:, [2, 1, 3, 0]], ANSWERS)
    state = model.estimators_[0].tree_.__getstate__()
    state["nodes"]["feature"][0] = 3
    model.estimators_[0].tree_.__setstate__(state)
    skops.io.dump(model, tmp_path / "model.skops")
    with pytest.raises(ArtifactInvalid, match="splits on column 3; allowed: 0 to 1"):
        sklearn_skops.load(tmp_path / "model.skops", COLUMNS)
