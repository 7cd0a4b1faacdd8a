"""scikit-learn models in pickles: WHOEVER WROTE THE FILE RUNS CODE HERE, with all rights of this process.

Only a policy whose `allowed_formats` names sklearn-pickle leads here, and only for files pinned at pick-up.
"""

import pickle
import warnings
from collections.abc import Sequence
from pathlib import Path

from lifecycle.errors import ArtifactInvalid
from stores.formats.scoring import Score
from stores.formats.sklearn_model import classifier


def load(path: Path, inputs: Sequence[str]) -> Score:
    """Return the scores of a classifier in a pickle; raises ArtifactInvalid when it cannot be loaded."""
    try:
        with path.open("rb") as content, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = pickle.load(content)  # noqa: S301 - what the policy's owner allowed, see above
    except Exception as error:  # a pickle can fail in any way that code can
        raise ArtifactInvalid(
            f"{path.name} cannot be unpickled: {type(error).__name__}: {error}. Unpickle it in a fresh process of your "
            "own, with the versions that are served, and log the model again."
        ) from error
    return classifier(model, path, inputs)
