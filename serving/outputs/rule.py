"""The model's written rule, which answers while a version's answers are stopped."""

from dataclasses import dataclass

import numpy as np

from serving.log_batch import LogBatches

TIER = "rule"


@dataclass(frozen=True)
class Rule:
    """One feature of the vector, read as the probability; `batches` log its answers as tier "rule"."""

    column: int
    batches: LogBatches

    def scores(self, matrix: np.ndarray) -> np.ndarray:
        """Return the rule's probabilities, (n_rows,) float64 in [0, 1]; missing values have their declared default."""
        scores: np.ndarray = np.clip(matrix[:, self.column].astype(np.float64), 0.0, 1.0)
        return scores
