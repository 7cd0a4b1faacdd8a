"""The small model beside a version: few shallow trees that learn the version's own scores, and how well they did.

Hinton, Vinyals and Dean (2015), Distilling the Knowledge in a Neural Network: the teacher's probabilities say more of
each row than its label does.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flows.pickup.self_test import run_self_test
from flows.training.booster import grow_booster
from flows.training.evaluate import measure_rows
from flows.training.rows import Rows, TrainingRows
from lifecycle.manifest import SmallModel
from lifecycle.policy import Policy, TrainingPolicy
from stores.predictor import predictor_of
from stores.small import small_predictor

if TYPE_CHECKING:
    from xgboost import Booster

MODEL_FILE = "small.ubj"
JUDGED_FILE = "small_judged.npy"
JUDGED_AT_MOST = 50_000
"""Rows kept in the file; they are drawn evenly over the window where there are more."""
TIMED_ROWS = 64


@dataclass(frozen=True)
class Small:
    """A small model with its teacher, and its scores on the judged rows, (n_rows,) float64."""

    booster: "Booster"
    teacher: "Booster"
    scores: np.ndarray


def grow_small(
    teacher: "Booster", rows: TrainingRows, policy: TrainingPolicy, *, weights: np.ndarray | None
) -> Small | None:
    """Return the small model that learned a booster's scores on the rows the booster learned from; None for no recipe.

    `weights` are the booster's own. The logistic loss is a proper one, so its scores come to mean what the booster's
    mean.
    """
    if policy.small is None:
        return None
    grown = policy.small
    shape = {"max_depth": grown.max_depth, "learning_rate": grown.learning_rate}
    parameters = policy.parameters.model_copy(update=shape)
    recipe = policy.model_copy(update={"rounds": grown.rounds, "parameters": parameters})
    soft = predictor_of(teacher, _vector(teacher)).score(rows.learn.matrix)
    booster = grow_booster(rows.learn.matrix, soft, _vector(teacher), recipe, weights=weights)
    return Small(booster, teacher, small_predictor(booster, _vector(booster)).score(rows.judge.matrix))


def small_metrics(small: Small, judge: Rows, scores: np.ndarray, policy: Policy) -> dict[str, float]:
    """Return the small model's metrics on the judged rows, how often it decides otherwise, and both models' latency.

    `scores` (n_rows,) are the version's own.
    """
    threshold = policy.decision.threshold
    measured = measure_rows(judge.labels, small.scores, policy)
    numbers = {f"small/{name}": float(value) for name, value in measured if value is not None}
    numbers["small/decided_otherwise"] = float(((small.scores >= threshold) != (scores >= threshold)).mean())
    vector = _vector(small.teacher)
    both = (("candidate", predictor_of(small.teacher, vector)), ("small", small_predictor(small.booster, vector)))
    for name, predictor in both:
        tested = run_self_test(predictor.predict, judge.matrix[:TIMED_ROWS])
        numbers[f"{name}/latency_ms_1_row"] = tested.latency_ms_1_row
        numbers[f"{name}/latency_ms_64_rows"] = tested.latency_ms_64_rows
    return numbers


def write_small(folder: Path, small: Small, judge: Rows, scores: np.ndarray, example: np.ndarray) -> SmallModel:
    """Write a small model and the judged rows' scores into a version's folder, and return what its manifest says of it.

    `scores` (n_rows,) are the version's own, `example` (n_rows, n_features) float32 the features of its example.
    """
    small.booster.save_model(folder / MODEL_FILE)
    chosen = np.unique(np.linspace(0, len(scores) - 1, min(JUDGED_AT_MOST, len(scores))).round().astype(int))
    judged = np.column_stack([judge.labels, scores, small.scores])[chosen].astype(np.float32)
    np.save(folder / JUDGED_FILE, judged, allow_pickle=False)
    return SmallModel(
        format="xgboost-ubj",
        model_file=MODEL_FILE,
        judged_file=JUDGED_FILE,
        scores=tuple(small_predictor(small.booster, _vector(small.booster)).score(example).tolist()),
    )


def _vector(booster: "Booster") -> tuple[str, ...]:
    return tuple(booster.feature_names)
