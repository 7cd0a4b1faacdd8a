"""The rule as something that scores."""

import numpy as np

from serving.tiers.rule import RuleScores


def test_rule_stays_a_probability() -> None:
    """Its feature is read as one, whatever it holds."""
    matrix = np.array([[9.0, -0.5], [9.0, 0.25], [9.0, 1.5]], np.float32)
    scores = RuleScores(1).score(matrix)
    assert scores.tolist() == [0.0, 0.25, 1.0]
    assert scores.dtype == np.dtype(np.float64)
    assert scores.flags.c_contiguous
