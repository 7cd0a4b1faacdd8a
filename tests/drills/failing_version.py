"""A version that is fine on its example, and on some rows gives no probability, raises, or hangs."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from lifecycle.manifest import Example
from stores.predictor import load_predictor
from stores.versions import VersionFiles, file_digest
from tests.drills.flights import CRASHING_MILES, ENDLESS_MILES, TROUBLING_MILES
from tests.serving.conftest import write_version

FILE = "model.onnx"
TURNS = 1_000_000
"""Of an empty loop: a second or more, where a canary has half of one."""
FOREVER = 2**62


def write_failing_version(root: Path, version: str, turns: int = TURNS) -> None:
    """Write a version that scores a half, but fails on some rows.

    It gives NaN for troubling distances, raises for crashing ones, and loops so often for endless ones.
    """
    files = write_version(root, version)
    columns = files.manifest.vector
    onnx.save(_graph(len(columns), columns.index("route_miles"), turns), str(files.folder / FILE))
    (files.folder / files.manifest.model_file).unlink()
    manifest = files.manifest.model_copy(
        update={"format": "onnx", "model_file": FILE, "files": {FILE: file_digest(files.folder / FILE)}}
    )
    example = manifest.example
    matrix = np.array(example.features, dtype=np.float32)
    scores = load_predictor(VersionFiles(files.folder, manifest)).score(matrix)
    scored = Example(request=example.request, features=example.features, scores=scores.tolist())
    final = manifest.model_copy(update={"example": scored})
    (files.folder / "manifest.json").write_text(final.model_dump_json(), encoding="utf-8")


def damage(root: Path, version: str, *, say_so: bool) -> None:
    """Fill a version's model file with what is no model; with `say_so` its manifest's digest fits all the same."""
    folder = next(root.glob(f"*/{version}"))
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    broken = folder / manifest["model_file"]
    broken.write_bytes(b"no model at all")
    if say_so:
        manifest["files"][manifest["model_file"]] = file_digest(broken)
        path.write_text(json.dumps(manifest), encoding="utf-8")


def _graph(columns: int, miles: int, turns: int) -> onnx.ModelProto:
    constants = {
        "place": ([miles], TensorProto.INT64, [1]),
        "troubling": ([TROUBLING_MILES], TensorProto.FLOAT, []),
        "endless": ([ENDLESS_MILES], TensorProto.FLOAT, []),
        "turns": ([turns], TensorProto.INT64, []),
        "once": ([1], TensorProto.INT64, []),
        "halves": ([0.5], TensorProto.FLOAT, [1]),
        "nothing": ([float("nan")], TensorProto.FLOAT, []),
        "crashing": ([CRASHING_MILES], TensorProto.FLOAT, []),
        "first": ([0], TensorProto.INT64, []),
        "beyond": ([1], TensorProto.INT64, []),
        "go": ([True], TensorProto.BOOL, []),
    }
    nodes = [
        helper.make_node("Gather", ["matrix", "place"], ["miles"], axis=1),
        helper.make_node("ReduceMax", ["miles"], ["farthest"], keepdims=0),
        helper.make_node("Less", ["farthest", "endless"], ["short"]),
        helper.make_node("Not", ["short"], ["long"]),
        helper.make_node("Less", ["farthest", "crashing"], ["near"]),
        helper.make_node("Or", ["near", "long"], ["sound"]),
        # There is one half; looking for the second raises.
        helper.make_node("Where", ["sound", "first", "beyond"], ["which"]),
        helper.make_node("Gather", ["halves", "which"], ["half"]),
        helper.make_node("Less", ["miles", "troubling"], ["fine"]),
        helper.make_node("Where", ["fine", "half", "nothing"], ["given"]),
        helper.make_node("Where", ["short", "once", "turns"], ["count"]),
        helper.make_node("Loop", ["count", "go", "given"], ["probabilities"], body=_turn()),
    ]
    graph = helper.make_graph(
        nodes,
        "failing",
        [helper.make_tensor_value_info("matrix", TensorProto.FLOAT, ["rows", columns])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["rows", 1])],
        [helper.make_tensor(name, kind, shape, values) for name, (values, kind, shape) in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def _turn() -> onnx.GraphProto:
    return helper.make_graph(
        [
            helper.make_node("Identity", ["on"], ["still"]),
            helper.make_node("Identity", ["before"], ["after"]),
        ],
        "turn",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", TensorProto.FLOAT, None),
        ],
    )
