"""A fitted scikit-learn classifier as a scoring function, whichever file it came from."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lifecycle.errors import ArtifactInvalid
from stores.formats.scoring import Score, of_class_one, probabilities
from stores.formats.sklearn_trees import require_sound_tree

LARGEST_GRAPH = 1_000_000
"""Objects looked at within one model; a larger one is refused rather than half checked."""


def classifier(model: object, path: Path, inputs: Sequence[str]) -> Score:
    """Return the scores of a fitted classifier of the classes 0 and 1, given the columns `inputs` in order.

    Raises ArtifactInvalid when it is none, or was fitted on other columns.
    """
    predict_proba = getattr(model, "predict_proba", None)
    if predict_proba is None:
        raise ArtifactInvalid(
            f"{path.name} holds a {type(model).__name__} without predict_proba; allowed: a fitted classifier that "
            "gives probabilities, such as LogisticRegression, or a Pipeline that ends in one"
        )
    classes = list(getattr(model, "classes_", ()))
    if classes != [0, 1]:
        raise ArtifactInvalid(
            f"{path.name} was fitted to the classes {classes}; allowed: [0, 1], where 1 is what the score is about. "
            "Fit it to these labels."
        )
    _require_columns(model, path, inputs)
    _examine(model, len(inputs))
    named = getattr(model, "feature_names_in_", None) is not None
    columns = list(inputs)

    def score(matrix: np.ndarray) -> np.ndarray:
        # One that was fitted on a frame picks its columns by name.
        asked = pd.DataFrame(matrix, columns=columns) if named else matrix
        return probabilities(of_class_one(predict_proba(asked), len(matrix)), len(matrix))

    return score


def _require_columns(model: object, path: Path, inputs: Sequence[str]) -> None:
    names = getattr(model, "feature_names_in_", None)
    if names is not None and tuple(names) != tuple(inputs):
        raise ArtifactInvalid(
            f"{path.name} was fitted on the columns {', '.join(map(str, names))}, in this order; its signature names "
            f"{', '.join(inputs)}. Log it with a signature made from the training columns."
        )
    width = getattr(model, "n_features_in_", len(inputs))
    if width != len(inputs):
        raise ArtifactInvalid(
            f"{path.name} was fitted on {width} columns; its signature names {len(inputs)}. Log it with a signature "
            "made from the training columns."
        )


def _examine(model: object, columns: int) -> None:
    """Check every tree inside a model, and take away its wish for threads of its own."""
    for part in _parts(model):
        if getattr(part, "n_jobs", None) is not None and "n_jobs" in vars(part):
            # A replica's cores belong to other requests, and small batches gain nothing.
            part.n_jobs = 1  # type: ignore[attr-defined]
        width = _width(part, columns)
        for tree in _trees(part):
            require_sound_tree(tree, width)
        # An ensemble hands its rows to its members unchecked, so its own width is the one that holds.
        for member in np.ravel(np.array(getattr(part, "estimators_", ()), dtype=object)).tolist():
            for tree in _trees(member):
                require_sound_tree(tree, width)


def _width(part: object, columns: int) -> int:
    width = getattr(part, "n_features_in_", None)
    return width if isinstance(width, int) else columns


def _trees(part: object) -> Iterator[object]:
    own = getattr(part, "tree_", None)
    if own is not None:
        yield own
    for stage in getattr(part, "_predictors", ()) or ():
        yield from stage


def _parts(model: object) -> Iterator[object]:
    """Yield every object that a model is made of, once each."""
    seen: set[int] = set()
    waiting = [model]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, str | bytes | int | float | bool | type | None):
            continue
        seen.add(id(thing))
        if len(seen) > LARGEST_GRAPH:
            raise ArtifactInvalid(f"the model is made of more than {LARGEST_GRAPH} objects; register a smaller one")
        if isinstance(thing, dict):
            waiting.extend(thing.values())
        elif isinstance(thing, list | tuple | set):
            waiting.extend(thing)
        elif isinstance(thing, np.ndarray):
            waiting.extend(thing.ravel().tolist() if thing.dtype == object else ())
        elif hasattr(thing, "__dict__"):
            yield thing
            waiting.extend(vars(thing).values())
