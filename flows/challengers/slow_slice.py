"""A version that is slow on one slice only: the champion exported to ONNX, with a loop that one slice sets going."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.challengers.isolating import Isolated, isolate
from flows.challengers.material import Made, Material, example_of, mean_log_loss
from flows.training.rows import Rows
from stores.formats.onnx_trees import trees_node

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

LEAST_SHARE = 0.08
RECENT_ROWS = 25_000
"""A slice is told apart by features that move, so by rows of the last weeks only."""
TIMES_THE_DEADLINE = 2.0
TRIED_TURNS = 2_000


def make_slow_slice(material: Material) -> Made:
    """Return the champion's own trees as an ONNX graph that takes twice the canary's deadline on one slice.

    The slice is one that the policy watches for errors of a canary, found by its features; the example has none of
    its rows, so that the version is quick when it is tried alone. Its scores are the champion's.
    """
    recent = _last(material.rows.judge, RECENT_ROWS)
    found = isolate(recent.matrix, _watched(material, recent), LEAST_SHARE)
    slow = found.rows(recent.matrix)
    seconds = TIMES_THE_DEADLINE * material.policy.rollout.canary.deadline_ms / 1e3
    tried = slow_graph(material, found, TRIED_TURNS)
    turns = max(1, round(TRIED_TURNS * seconds / _seconds(tried, recent.matrix[slow][:1])))
    (scores,) = _session(tried).run(None, {"features": recent.matrix})
    quick = recent.matrix[~slow]
    return Made(
        model=slow_graph(material, found, turns),
        example=example_of(quick),
        own_log_loss=mean_log_loss(recent.labels, scores[:, 0]),
        told=f"the champion exported to ONNX, which takes {seconds * 1e3:.0f} ms on {found.slice_name} {found.value}",
    )


def slow_graph(material: Material, found: Isolated, turns: int) -> Any:
    """Return the ONNX model: the champion's probabilities, after `turns` of a loop if any row is in the slice."""
    from onnx import TensorProto, checker, helper  # noqa: PLC0415 - only an export needs it

    def constant(name: str, kind: int, shape: list[int], value: float) -> Any:
        return helper.make_tensor(name, kind, shape, [value])

    vector = material.definition.vector
    nodes = [
        trees_node(material.champion, vector, "features", "log_odds"),
        helper.make_node("Sigmoid", ["log_odds"], ["chance"]),
        helper.make_node("Gather", ["features", "column"], ["asked"], axis=1),
        helper.make_node("GreaterOrEqual", ["asked", "low"], ["from_low"]),
        helper.make_node("LessOrEqual", ["asked", "high"], ["to_high"]),
        helper.make_node("And", ["from_low", "to_high"], ["within"]),
        helper.make_node("Cast", ["within"], ["counted"], to=TensorProto.INT64),
        helper.make_node("ReduceMax", ["counted"], ["any"], keepdims=0),
        helper.make_node("Mul", ["any", "turns"], ["trips"]),
        helper.make_node("Loop", ["trips", "", "nothing"], ["spent"], body=_body()),
        helper.make_node("Add", ["chance", "spent"], ["probabilities"]),
    ]
    constants = [
        constant("column", TensorProto.INT64, [1], found.column),
        constant("low", TensorProto.FLOAT, [], found.low),
        constant("high", TensorProto.FLOAT, [], found.high),
        constant("turns", TensorProto.INT64, [], turns),
        constant("nothing", TensorProto.FLOAT, [], 0.0),
    ]
    graph = helper.make_graph(
        nodes,
        "exported",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, len(vector)])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 1])],
        constants,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    checker.check_model(model)
    return model


def _body() -> Any:
    """Return one turn of the loop: it hands on its number, always 0, and so changes no score."""
    from onnx import TensorProto, helper  # noqa: PLC0415 - only an export needs it

    scalar = [
        helper.make_tensor_value_info(name, kind, [])
        for name, kind in (
            ("turn", TensorProto.INT64),
            ("going", TensorProto.BOOL),
            ("carried", TensorProto.FLOAT),
            ("still_going", TensorProto.BOOL),
            ("carried_on", TensorProto.FLOAT),
        )
    ]
    nodes = [
        helper.make_node("Identity", ["going"], ["still_going"]),
        helper.make_node("Sin", ["carried"], ["carried_on"]),
    ]
    return helper.make_graph(nodes, "turn", scalar[:3], scalar[3:])


def _watched(material: Material, rows: Rows) -> Mapping[str, np.ndarray]:
    """Return the slices in which the policy watches a canary's errors; all there are when it names none."""
    rules = material.policy.rollout.rules_of("canary")
    named = {name for rule in rules if rule.when.metric == "error_rate" for name in rule.when.in_slices_of}
    return {name: values for name, values in rows.slices.items() if name in named} or rows.slices


def _last(rows: Rows, count: int) -> Rows:
    slices = {name: values[-count:] for name, values in rows.slices.items()}
    return Rows(rows.frame.iloc[-count:], rows.matrix[-count:], rows.defaulted[-count:], rows.labels[-count:], slices)


def _session(model: Any) -> "InferenceSession":
    import onnxruntime  # noqa: PLC0415 - only an export needs it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _seconds(model: Any, row: np.ndarray) -> float:
    """Return the shortest of a few runs on one row: other programs only make a run longer."""
    session = _session(model)
    took = []
    for _ in range(5):
        began = time.perf_counter()
        session.run(None, {"features": row})
        took.append(time.perf_counter() - began)
    return min(took)
