"""A version's folder: model, manifest, baseline, metrics, and the description MLflow reads."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from feature_repo.columns import columns_of
from feature_repo.definition import ModelDefinition
from flows.training.rows import Rows, TrainingRows
from lifecycle.contract import FieldType
from lifecycle.evaluation import Evaluation
from lifecycle.manifest import Example, Manifest, SmallModel
from lifecycle.outputs import profile_outputs
from lifecycle.profile import Profile
from lifecycle.profile_drawing import profile_labels, profile_numbers, profile_texts
from stores.versions import MANIFEST, file_digest

if TYPE_CHECKING:
    from xgboost import Booster

MODEL_FILE = "model.ubj"
PROFILE = "profile.json"
METRICS = "metrics.json"


def write_package(
    folder: Path,
    definition: ModelDefinition,
    booster: "Booster",
    *,
    example: Example,
    profile: Profile,
    evaluation: Evaluation,
    write_beside: Callable[[Path], SmallModel | None] = lambda _: None,
) -> Manifest:
    """Write a version into a new folder, as MLflow's XGBoost flavor, and return its manifest.

    `write_beside` writes its small model into the same folder, where it has one.
    """
    from mlflow.models import infer_signature  # noqa: PLC0415 - MLflow takes seconds to import
    from mlflow.xgboost import save_model  # noqa: PLC0415 - as above

    inputs = pd.DataFrame(np.array(example.features, dtype=np.float32), columns=list(definition.vector))
    save_model(
        booster,
        str(folder),
        model_format="ubj",
        signature=infer_signature(inputs, np.array(example.scores)),
        input_example=inputs,
        # Given, because finding them out would load the model in another process.
        pip_requirements=[f"{name}=={version(name)}" for name in ("mlflow", "xgboost")],
    )
    (folder / PROFILE).write_text(profile.model_dump_json(), encoding="utf-8")
    (folder / METRICS).write_text(evaluation.model_dump_json(), encoding="utf-8")
    small = write_beside(folder)
    written = (MODEL_FILE, PROFILE, METRICS, *(() if small is None else (small.model_file, small.judged_file)))
    manifest = Manifest(
        model=definition.name,
        format="xgboost-ubj",
        model_file=MODEL_FILE,
        contract=definition.contract,
        feature_service=definition.contract.name,
        vector=definition.vector,
        example=example,
        files={name: file_digest(folder / name) for name in written},
        small=small,
    )
    (folder / MANIFEST).write_text(manifest.model_dump_json(), encoding="utf-8")
    return manifest


def draw_profile(definition: ModelDefinition, rows: TrainingRows, scores: np.ndarray) -> Profile:
    """Return the baseline: features, categories and labels of the learned rows, `scores` of the judged ones.

    A score on a row the version learned from would be surer than any it gives later. A day is a UTC day of the
    prediction moment.
    """
    learn = rows.learn
    days, score_days = _days(learn), _days(rows.judge)
    return Profile(
        rows=len(learn.labels),
        features={
            name: profile_numbers(learn.matrix[:, column], learn.defaulted[:, column], days)
            for column, name in enumerate(definition.vector)
        },
        categories={name: profile_texts(values, days) for name, values in _texts(definition, learn).items()},
        score_rows=len(scores),
        score=profile_numbers(scores, np.zeros(len(scores), dtype=bool), score_days),
        days=len(np.unique(days)),
        score_days=len(np.unique(score_days)),
        labels=profile_labels(learn.labels, days),
        outputs=profile_outputs(scores, _moments(rows.judge)),
    )


def _moments(rows: Rows) -> np.ndarray:
    """Return each row's prediction moment in epoch seconds, (n_rows,) float64."""
    moments: np.ndarray = rows.frame["event_timestamp"].to_numpy("datetime64[us]").astype(np.int64) / 1e6
    return moments


def _days(rows: Rows) -> np.ndarray:
    """Return the UTC day of each row's prediction moment, (n_rows,) int64."""
    days: np.ndarray = rows.frame["event_timestamp"].to_numpy("datetime64[D]").astype(np.int64)
    return days


def _texts(definition: ModelDefinition, rows: Rows) -> dict[str, list[str | None]]:
    columns = columns_of(definition.contract, rows.frame)
    strings = [field.name for field in definition.contract.fields if field.type is FieldType.STRING]
    return {name: columns[name].tolist() for name in strings}
