"""A booster's trees run by ONNX Runtime: some microseconds a call, of which XGBoost takes eighty for itself."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stores.formats.onnx_trees import trees_node
from stores.formats.scoring import Score

if TYPE_CHECKING:
    from xgboost import Booster

OPSET, TREES_OPSET, IR_VERSION = 17, 3, 9
"""As old as these operators allow, so that any runtime of the last years reads them."""


def fast_score(booster: "Booster", vector: Sequence[str]) -> Score:
    """Return the scores of a `binary:logistic` booster, which takes the columns `vector` in order.

    They are XGBoost's own within a millionth, because float32 is added up in another order. The graph is made
    here, in memory, of the trees alone.
    """
    import onnxruntime  # noqa: PLC0415 - a process without a small model need not load it
    from onnx import TensorProto, helper  # noqa: PLC0415 - as above

    graph = helper.make_graph(
        [trees_node(booster, vector, "features", "log_odds"), helper.make_node("Sigmoid", ["log_odds"], ["score"])],
        "trees",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, len(vector)])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", TREES_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def score(matrix: np.ndarray) -> np.ndarray:
        (given,) = session.run(["score"], {"features": np.ascontiguousarray(matrix)})
        scores: np.ndarray = given[:, 0].astype(np.float64)
        return scores

    return score
