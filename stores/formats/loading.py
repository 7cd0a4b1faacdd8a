"""From a format's name to the one file that reads it."""

from pathlib import Path

from lifecycle.rollout_policy import Format
from stores.formats import onnx_file, sklearn_pickle, sklearn_skops, xgboost_file
from stores.formats.scoring import Score

CARRIES_NO_CODE = frozenset({"xgboost-ubj", "xgboost-json"})
"""Formats that are numbers alone, and so may be believed to be what their own manifest says they are."""
LOADERS = {
    "xgboost-ubj": xgboost_file.load,
    "xgboost-json": xgboost_file.load,
    "sklearn-skops": sklearn_skops.load,
    "sklearn-pickle": sklearn_pickle.load,
    "onnx": onnx_file.load,
}


def load_model(format_name: Format, path: Path, inputs: tuple[str, ...]) -> Score:
    """Return the scoring function of a model file, which takes the columns `inputs` in order.

    Raises ArtifactInvalid when the file is not what it should be.
    """
    return LOADERS[format_name](path, inputs)
