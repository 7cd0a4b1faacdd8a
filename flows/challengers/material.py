"""What a data scientist has at hand when making a version: the rows so far, and the model that serves."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from feature_repo.definition import ModelDefinition
from flows.training.rows import TrainingRows
from lifecycle.policy import Policy

if TYPE_CHECKING:
    from xgboost import Booster

EXAMPLE_ROWS = 16


@dataclass(frozen=True)
class Material:
    """One model's labelled rows up to now, `learn` before `judge` in time, and its policy; `champion` serves."""

    definition: ModelDefinition
    policy: Policy
    rows: TrainingRows
    champion: "Booster"

    @property
    def matrix(self) -> np.ndarray:
        """The features of all rows, oldest first, (n_rows, n_features) float32."""
        return np.concatenate([self.rows.learn.matrix, self.rows.judge.matrix])

    @property
    def labels(self) -> np.ndarray:
        """The labels of all rows, (n_rows,) of 0 and 1."""
        return np.concatenate([self.rows.learn.labels, self.rows.judge.labels])


@dataclass(frozen=True)
class Made:
    """A version ready to be logged: its model, an example of its input, and its author's own log-loss.

    `model` is an XGBoost Booster or an ONNX ModelProto; `example` (n_rows, n_features) float32; `told` is one sentence
    for whoever watches the play.
    """

    model: Any
    example: np.ndarray
    own_log_loss: float
    told: str


def example_of(matrix: np.ndarray) -> np.ndarray:
    """Return a few rows spread evenly over a matrix, (n_rows, n_features) float32."""
    chosen = np.unique(np.linspace(0, len(matrix) - 1, EXAMPLE_ROWS).round().astype(int))
    example: np.ndarray = matrix[chosen]
    return example


def mean_log_loss(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the mean log-loss of scores, (n_rows,) each; a score of 0 or 1 counts as one in a million off.

    >>> round(mean_log_loss(np.array([0, 1]), np.array([0.5, 0.5])), 3)
    0.693
    """
    sure = np.clip(scores.astype(np.float64), 1e-6, 1 - 1e-6)
    return float(-np.mean(np.where(labels == 1, np.log(sure), np.log1p(-sure))))
