"""A version with a wrong feature: in training, one column already held what only the outcome would tell."""

import numpy as np

from flows.challengers.material import Made, Material, example_of, mean_log_loss
from flows.training.booster import grow_booster

NOISE = 0.5
"""How far the leaked column strays from the outcome, in units between the two labels."""


def make_wrong_feature(material: Material) -> Made:
    """Return a booster grown on rows whose rule feature knew the outcome, as a join without point in time gives it.

    Its author's log-loss is of rows with the same leak, so it looks splendid; live, the column knows nothing of
    the kind. The column's values are those of the true one, in another order: no check of ranges can see it.
    """
    definition, rows = material.definition, material.rows
    column = definition.vector.index(definition.rule_feature)
    rng = np.random.default_rng(material.policy.training.seed)
    learned = _leaked(rows.learn.matrix, rows.learn.labels, column, rng)
    judged = _leaked(rows.judge.matrix, rows.judge.labels, column, rng)
    booster = grow_booster(learned, rows.learn.labels, definition.vector, material.policy.training)
    return Made(
        model=booster,
        example=example_of(rows.judge.matrix),
        own_log_loss=mean_log_loss(rows.judge.labels, booster.inplace_predict(judged)),
        told=f"a version whose training saw the outcome through {definition.rule_feature}",
    )


def _leaked(matrix: np.ndarray, labels: np.ndarray, column: int, rng: np.random.Generator) -> np.ndarray:
    """Return the matrix with one column's values sorted by the label and some noise."""
    order = np.argsort(labels + NOISE * rng.normal(size=len(labels)), kind="stable")
    leaked = matrix.copy()
    leaked[order, column] = np.sort(matrix[:, column])
    return leaked
