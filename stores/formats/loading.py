"""From a format's name to the one file that reads it."""

from pathlib import Path

from lifecycle.resources_policy import Device
from lifecycle.rollout_policy import Format
from stores.formats import onnx_file, sklearn_pickle, sklearn_skops, xgboost_file
from stores.formats.devices import require_device
from stores.formats.scoring import Score

CARRIES_NO_CODE = frozenset({"xgboost-ubj", "xgboost-json"})
"""Formats that are numbers alone, and so may be believed to be what their own manifest says they are."""
LOADERS = {"sklearn-skops": sklearn_skops.load, "sklearn-pickle": sklearn_pickle.load}
ON_GPUS = {"xgboost-ubj": xgboost_file.load, "xgboost-json": xgboost_file.load, "onnx": onnx_file.load}
"""Formats whose libraries can compute on a GPU, too, where they were built for it."""


def load_model(format_name: Format, path: Path, inputs: tuple[str, ...], device: Device = "cpu") -> Score:
    """Return the scoring function of a model file, which takes the columns `inputs` in order and computes on a device.

    Raises ArtifactInvalid when the file is not what it should be, and Unavailable when there is no such device for it.
    """
    if format_name not in ON_GPUS:
        require_device(device, path.name, library_can=False, library="scikit-learn")
        return LOADERS[format_name](path, inputs)
    return ON_GPUS[format_name](path, inputs, device)
