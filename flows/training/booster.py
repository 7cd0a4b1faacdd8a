"""The booster: gradient-boosted trees grown so that the same rows always give the same bytes."""

from typing import TYPE_CHECKING

import numpy as np

from lifecycle.policy import TrainingPolicy

if TYPE_CHECKING:
    from xgboost import Booster


def grow_booster(
    matrix: np.ndarray,
    labels: np.ndarray,
    vector: tuple[str, ...],
    policy: TrainingPolicy,
    *,
    weights: np.ndarray | None = None,
) -> "Booster":
    """Return a booster for P(label = 1), grown from (n_rows, n_features) float32 and (n_rows,) labels.

    `weights` (n_rows,) float32, above 0, say how often each row counts; weights that are all 1 give the same bytes as
    none.

    Chen and Guestrin (2016), XGBoost: A Scalable Tree Boosting System; histogram splits.
    """
    import xgboost  # noqa: PLC0415 - half a second that a replica's imports need not pay

    parameters = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "seed": policy.seed,
        # Sums of floats depend on how threads share them; one thread gives one order on every machine.
        "nthread": 1,
        **policy.parameters.model_dump(),
    }
    # That equal rows give equal bytes must not hang on how a library sketches weighted ones.
    weight = None if weights is None or (weights == 1).all() else weights
    rows = xgboost.QuantileDMatrix(matrix, label=labels, weight=weight, feature_names=list(vector), nthread=1)
    return xgboost.train(parameters, rows, num_boost_round=policy.rounds)


def total_gains(booster: "Booster") -> dict[str, float]:
    """Return each used feature's share of the loss that all splits removed, summing to 1, largest first."""
    gains = {str(name): float(gain) for name, gain in booster.get_score(importance_type="total_gain").items()}
    total = sum(gains.values()) or 1.0
    return {name: gain / total for name, gain in sorted(gains.items(), key=lambda item: (-item[1], item[0]))}
