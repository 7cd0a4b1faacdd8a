"""scikit-learn models in skops files: data and the names of types, of which only ours are made."""

import warnings
from collections.abc import Sequence
from pathlib import Path

from lifecycle.errors import ArtifactInvalid
from stores.formats.scoring import Score
from stores.formats.sklearn_model import classifier
from stores.formats.sklearn_trees import HISTOGRAM_TREE, TREE

TRUSTED = (
    TREE,
    HISTOGRAM_TREE,
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.utils._bunch.Bunch",
)
"""Types beyond those that skops itself knows as safe. The trees are checked after loading; the others are plain Python
that holds numbers and estimators, and was read line by line. Nothing here comes from a file."""


def load(path: Path, inputs: Sequence[str]) -> Score:
    """Return the scores of a classifier in a skops file, made of trusted types alone.

    Raises ArtifactInvalid naming the types that are not trusted, or why the file cannot be read.
    """
    import skops.io  # noqa: PLC0415 - it imports all of scikit-learn
    from skops.io.exceptions import UntrustedTypesFoundException  # noqa: PLC0415 - as above

    try:
        with warnings.catch_warnings():
            # scikit-learn warns about a model of another version; the self-test says whether it still works.
            warnings.simplefilter("ignore")
            model = skops.io.load(path, trusted=list(TRUSTED))
    except UntrustedTypesFoundException as error:
        odd = str(error).partition("\n")[0]
        raise ArtifactInvalid(
            f"{path.name} asks for types that are not trusted here. {odd} Use estimators of scikit-learn itself, "
            "without functions or classes of your own, or export the model as ONNX."
        ) from error
    except Exception as error:  # a damaged file fails anywhere in skops, in any way
        raise ArtifactInvalid(
            f"{path.name} cannot be loaded as a skops file: {type(error).__name__}: {error}. Log the model again with "
            "serialization_format='skops', and leave its files as they are."
        ) from error
    return classifier(model, path, inputs)
