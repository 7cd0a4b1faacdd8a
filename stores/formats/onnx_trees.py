"""A booster's trees as an ONNX node: the same splits and leaves, in ONNX's own table of trees."""

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from xgboost import Booster


def trees_node(booster: "Booster", vector: Sequence[str], source: str, target: str) -> Any:
    """Return the ONNX node that gives a booster's log-odds, (n_rows, 1), from features in the vector's order.

    See TreeEnsembleRegressor in the ONNX operators of domain ai.onnx.ml. Missing values go where they do in XGBoost.
    """
    from onnx import helper  # noqa: PLC0415 - only an export needs it

    table = booster.trees_to_dataframe()
    leaf = (table["Feature"] == "Leaf").to_numpy()
    names = booster.feature_names or [f"f{place}" for place in range(len(vector))]
    places = {name: place for place, name in enumerate(names)}

    def children(column: str) -> list[int]:
        # A child is named tree-node, and its node number counts within its tree.
        return [
            0 if at_leaf else int(name.partition("-")[2]) for at_leaf, name in zip(leaf, table[column], strict=True)
        ]

    return helper.make_node(
        "TreeEnsembleRegressor",
        inputs=[source],
        outputs=[target],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        base_values=[_intercept(booster)],
        nodes_treeids=table["Tree"].tolist(),
        nodes_nodeids=table["Node"].tolist(),
        nodes_modes=["LEAF" if at_leaf else "BRANCH_LT" for at_leaf in leaf],
        nodes_featureids=[0 if at_leaf else places[name] for at_leaf, name in zip(leaf, table["Feature"], strict=True)],
        nodes_values=np.where(leaf, 0.0, table["Split"]).tolist(),
        nodes_truenodeids=children("Yes"),
        nodes_falsenodeids=children("No"),
        nodes_missing_value_tracks_true=(table["Missing"] == table["Yes"]).astype(int).tolist(),
        target_treeids=table["Tree"][leaf].tolist(),
        target_nodeids=table["Node"][leaf].tolist(),
        target_ids=[0] * int(leaf.sum()),
        target_weights=table["Gain"][leaf].tolist(),
    )


def _intercept(booster: "Booster") -> float:
    """Return the log-odds that the trees add to; XGBoost keeps it as a probability, in brackets."""
    kept = json.loads(booster.save_config())["learner"]["learner_model_param"]["base_score"]
    chance = float(kept.strip("[]"))
    return math.log(chance / (1 - chance))
