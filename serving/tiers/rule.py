"""The model's written rule as something that scores."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feature_repo.definition import ModelDefinition

RULE = "rule"


@dataclass(frozen=True)
class RuleScores:
    """One feature of the vector, read as the probability."""

    column: int
    bounded: ClassVar[bool] = True

    def score(self, matrix: np.ndarray) -> np.ndarray:
        """Return the rule's probabilities, (n_rows,) float64 in [0, 1]; missing values have their declared default."""
        scores: np.ndarray = np.clip(matrix[:, self.column].astype(np.float64), 0.0, 1.0)
        return scores


def rule_of(definition: ModelDefinition) -> RuleScores | None:
    """Return a model's rule, None for one that has none."""
    vector = definition.vector
    return RuleScores(vector.index(definition.rule_feature)) if definition.rule_feature in vector else None
