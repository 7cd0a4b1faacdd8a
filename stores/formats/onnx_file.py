"""ONNX graphs, run by ONNX Runtime on one CPU thread or a GPU: standard operators only, weights beside it or in it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lifecycle.errors import ArtifactInvalid
from lifecycle.resources_policy import Device
from stores.formats.devices import require_device
from stores.formats.scoring import Score, of_class_one, probabilities

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

FLOATS = {"tensor(float)": np.float32, "tensor(double)": np.float64}
CPU, GPU = "CPUExecutionProvider", "CUDAExecutionProvider"
EXPORT = "Export the graph so, and log it again."


def load(path: Path, inputs: Sequence[str], device: Device = "cpu") -> Score:
    """Return the scores, on a device, of a graph that takes the columns `inputs`, as one matrix or as one tensor each.

    Raises ArtifactInvalid when it is no graph that fits, and Unavailable when there is no such device for it.
    """
    import onnxruntime  # noqa: PLC0415 - a process without such a version need not load it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    weights_of(path)
    can = GPU in onnxruntime.get_available_providers()
    require_device(device, path.name, library_can=can, library="this build of ONNX Runtime")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=[GPU, CPU] if device == "cuda" else [CPU])
    except Exception as error:  # its exceptions share no parent of their own
        cause = str(error).partition("\n")[0]
        raise ArtifactInvalid(
            f"{path.name} cannot be run as an ONNX graph: {cause}. Export it with standard operators alone, run it "
            "once with onnxruntime, and log it again."
        ) from error
    feed = _feeding(session, path, inputs)
    output = _probability_output(session, path)

    def score(matrix: np.ndarray) -> np.ndarray:
        (given,) = session.run([output], feed(matrix))
        return probabilities(of_class_one(given, len(matrix)), len(matrix))

    return score


def weights_of(path: Path) -> tuple[str, ...]:
    """Return the files beside a graph that hold its weights.

    Raises ArtifactInvalid for a graph that cannot be read, or points anywhere but at a plain file beside it.
    """
    import onnx  # noqa: PLC0415 - as above

    try:
        graph = onnx.load(str(path), load_external_data=False)
    except Exception as error:  # protobuf's errors, or onnx's, by what is wrong
        raise ArtifactInvalid(
            f"{path.name} cannot be read as an ONNX graph: {type(error).__name__}. Log it again with "
            "mlflow.onnx.log_model, and leave its files as they are."
        ) from error
    names = sorted({name for tensor in _tensors(graph) for name in _locations(tensor)})
    for name in names:
        beside = path.parent / name
        if Path(name).name != name or beside.is_symlink() or not beside.is_file():
            raise ArtifactInvalid(
                f"{path.name} keeps weights in {name!r}; allowed: a plain file beside it. Log the model with "
                "save_as_external_data=False."
            )
    return tuple(names)


def _tensors(message: Any) -> Iterator[Any]:
    """Yield every tensor anywhere in a protobuf message, subgraphs and attributes included."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        if part.DESCRIPTOR.name == "TensorProto":
            yield part
            continue
        for field, value in part.ListFields():
            if field.message_type is not None:
                repeated = hasattr(value, "__len__") and not hasattr(value, "DESCRIPTOR")
                waiting.extend(value if repeated else (value,))


def _locations(tensor: Any) -> Iterator[str]:
    if tensor.data_location == 1:
        given = [entry.value for entry in tensor.external_data if entry.key == "location"]
        yield from given or [""]


def _feeding(session: "InferenceSession", path: Path, inputs: Sequence[str]) -> Any:
    wanted = session.get_inputs()
    for one in wanted:
        if one.type not in FLOATS:
            raise ArtifactInvalid(f"{path.name} takes {one.name} as {one.type}; allowed: tensor(float). {EXPORT}")
    if len(wanted) == 1 and len(wanted[0].shape) == 2:  # noqa: PLR2004 - rows and columns
        (only,) = wanted
        if isinstance(only.shape[0], int):
            raise ArtifactInvalid(
                f"{path.name} takes exactly {only.shape[0]} rows; allowed: any number, a free axis. {EXPORT}"
            )
        if isinstance(only.shape[1], int) and only.shape[1] != len(inputs):
            raise ArtifactInvalid(
                f"{path.name} takes {only.shape[1]} columns; its signature names {len(inputs)}. Log it with a "
                "signature made from the columns that it was exported for."
            )
        return lambda matrix: {only.name: np.ascontiguousarray(matrix, dtype=FLOATS[only.type])}
    if {one.name for one in wanted} != set(inputs):
        raise ArtifactInvalid(
            f"{path.name} takes {', '.join(one.name for one in wanted)}; its signature names {', '.join(inputs)}; "
            "allowed: one float tensor of (rows, columns), or one float tensor for each column of the signature. "
            f"{EXPORT}"
        )
    places = {one.name: (inputs.index(one.name), FLOATS[one.type]) for one in wanted}
    return lambda matrix: {
        name: np.ascontiguousarray(matrix[:, [place]], dtype=kind) for name, (place, kind) in places.items()
    }


def _probability_output(session: "InferenceSession", path: Path) -> str:
    outputs = session.get_outputs()
    floats = [one.name for one in outputs if one.type in FLOATS]
    named = [name for name in floats if name in ("probabilities", "output_probability")]
    if len(named or floats) != 1:
        shown = ", ".join(f"{one.name} ({one.type})" for one in outputs)
        raise ArtifactInvalid(
            f"{path.name} gives {shown}; allowed: one float tensor of probabilities. From skl2onnx, convert with "
            "options={'zipmap': False}."
        )
    return str((named or floats)[0])
