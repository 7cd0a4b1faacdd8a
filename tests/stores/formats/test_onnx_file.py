"""ONNX graphs: one matrix or a tensor per column in, one column of probabilities out, and no way out of the folder."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lifecycle.errors import ArtifactInvalid
from stores.formats.onnx_file import load, weights_of

COLUMNS = ("level", "load")
ROWS = np.array([[1, 2], [-1, 0.5]], dtype=np.float32)
SUM = 1 / (1 + np.exp(-ROWS.sum(axis=1)))


def graph_of(nodes: list[onnx.NodeProto], inputs: dict[str, list[int | None]], outputs: dict[str, int]) -> bytes:
    """Return a graph's file, with `w` as a weight of ones, (2, 1)."""
    made = helper.make_model(
        helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
            [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
            [numpy_helper.from_array(np.ones((2, 1), np.float32), "w")],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
    )
    made.ir_version = 9
    return bytes(made.SerializeToString())


MATMUL = helper.make_node("MatMul", ["x", "w"], ["z"])
SIGMOID = helper.make_node("Sigmoid", ["z"], ["p"])
X: dict[str, list[int | None]] = {"x": [None, 2]}
P = {"p": TensorProto.FLOAT}


def test_one_matrix_goes_in(tmp_path: Path) -> None:
    """And a column comes out as (n_rows,)."""
    (tmp_path / "m.onnx").write_bytes(graph_of([MATMUL, SIGMOID], X, P))
    assert np.allclose(load(tmp_path / "m.onnx", COLUMNS)(ROWS), SUM)


def test_one_tensor_per_column_goes_in_by_name(tmp_path: Path) -> None:
    """The order of the graph's inputs is its own."""
    nodes = [helper.make_node("Concat", ["load", "level"], ["x"], axis=1), MATMUL, SIGMOID]
    inputs: dict[str, list[int | None]] = {"load": [None, 1], "level": [None, 1]}
    (tmp_path / "m.onnx").write_bytes(graph_of(nodes, inputs, P))
    assert np.allclose(load(tmp_path / "m.onnx", COLUMNS)(ROWS), SUM)


def test_probabilities_beside_a_label_are_found(tmp_path: Path) -> None:
    """As skl2onnx writes a classifier without its zipmap."""
    nodes = [
        MATMUL,
        SIGMOID,
        helper.make_node("Constant", [], ["one"], value=numpy_helper.from_array(np.ones(1, np.float32))),
        helper.make_node("Sub", ["one", "p"], ["q"]),
        helper.make_node("Concat", ["q", "p"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1),
    ]
    outputs = {"label": TensorProto.INT64, "probabilities": TensorProto.FLOAT}
    (tmp_path / "m.onnx").write_bytes(graph_of(nodes, X, outputs))
    assert np.allclose(load(tmp_path / "m.onnx", COLUMNS)(ROWS), SUM)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no graph", "cannot be read as an ONNX graph"),
        (
            graph_of([SIGMOID], {"z": [None, 5]}, P),
            "takes 5 columns; its signature names 2. Log it with a signature made from the columns",
        ),
        (graph_of([MATMUL, SIGMOID], {"x": [1, 2]}, P), "takes exactly 1 rows; allowed: any number"),
        (graph_of([MATMUL, SIGMOID], X, {"z": TensorProto.FLOAT, **P}), r"gives z \(tensor\(float\)\), p "),
        (
            graph_of([MATMUL, helper.make_node("Poison", ["z"], ["p"], domain="evil")], X, P),
            "cannot be run as an ONNX graph",
        ),
    ],
)
def test_graph_that_does_not_fit_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    """Damaged, of other columns, of a fixed batch, of two outputs, of an operator of its own."""
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(ArtifactInvalid, match=words):
        load(tmp_path / "m.onnx", COLUMNS)


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "sub/w.bin", "link.bin", "gone.bin", ""])
def test_weights_outside_the_folder_are_refused(tmp_path: Path, location: str) -> None:
    """A graph could have any file of this machine read as its weights."""
    (tmp_path / "secret").write_bytes(bytes(8))
    folder = tmp_path / "version"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "w.bin").write_bytes(bytes(8))
    (folder / "link.bin").symlink_to(tmp_path / "secret")
    made = onnx.load_from_string(graph_of([MATMUL, SIGMOID], X, P))
    (weight,) = made.graph.initializer
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=location)
    (folder / "m.onnx").write_bytes(made.SerializeToString())
    for read in (weights_of, lambda path: load(path, COLUMNS)):
        with pytest.raises(ArtifactInvalid, match="allowed: a plain file beside it"):
            read(folder / "m.onnx")
