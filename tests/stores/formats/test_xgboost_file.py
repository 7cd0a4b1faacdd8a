"""XGBoost's files: the columns they were trained on, and one reading of early stopping."""

from pathlib import Path

import numpy as np
import pytest
import xgboost

from lifecycle.errors import ArtifactInvalid
from stores.formats.xgboost_file import load

COLUMNS = ["level", "load"]
ROWS = np.random.default_rng(1).normal(size=(300, 2)).astype(np.float32)
ANSWERS = (ROWS[:, 0] > 0).astype(int)


def booster(stop_early: bool = False) -> xgboost.Booster:  # noqa: FBT001, FBT002 - a case
    """Return a small booster; stopped early, its later rounds only hurt."""
    rows = xgboost.DMatrix(ROWS, label=ANSWERS, feature_names=COLUMNS)
    judged = xgboost.DMatrix(ROWS, label=1 - ANSWERS, feature_names=COLUMNS)
    options = {"objective": "binary:logistic", "nthread": 1}
    stop = {"evals": [(judged, "judged")], "early_stopping_rounds": 3, "verbose_eval": False} if stop_early else {}
    return xgboost.train(options, rows, 5, **stop)


@pytest.mark.parametrize("name", ["model.ubj", "model.json"])
def test_both_forms_score_alike(tmp_path: Path, name: str) -> None:
    """The file's ending says how to read it."""
    made = booster()
    made.save_model(tmp_path / name)
    assert (load(tmp_path / name, COLUMNS)(ROWS) == made.inplace_predict(ROWS)).all()


def test_columns_in_another_order_are_refused(tmp_path: Path) -> None:
    """XGBoost would score a matrix of them in silence."""
    booster().save_model(tmp_path / "model.ubj")
    with pytest.raises(ArtifactInvalid, match="trained on the columns level, load, in this order; its signature names"):
        load(tmp_path / "model.ubj", ["load", "level"])


def test_rounds_beyond_the_best_are_refused(tmp_path: Path) -> None:
    """A booster and a classifier would read the file as two models; the message says how to make it one."""
    made = booster(stop_early=True)
    made.save_model(tmp_path / "model.ubj")
    with pytest.raises(ArtifactInvalid, match=r"holds 4 rounds, of which early stopping found 1 best.*booster\[: 1\]"):
        load(tmp_path / "model.ubj", COLUMNS)
    made[:1].save_model(tmp_path / "best.ubj")
    assert load(tmp_path / "best.ubj", COLUMNS)(ROWS).shape == (300,)
