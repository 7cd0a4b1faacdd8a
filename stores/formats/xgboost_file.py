"""XGBoost's own model files, .ubj and .json: trees and nothing that could run."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lifecycle.errors import ArtifactInvalid
from lifecycle.resources_policy import Device
from stores.formats.devices import require_device
from stores.formats.scoring import Score

if TYPE_CHECKING:
    from xgboost import Booster


def load(path: Path, inputs: Sequence[str], device: Device = "cpu") -> Score:
    """Return the scores of a booster on a device; `inputs` are the columns it will be given, in order.

    Raises ArtifactInvalid when the file is no booster, or was trained on other columns, and Unavailable when there
    is no such device for it.
    """
    import xgboost  # noqa: PLC0415 - a process that never scores need not load it

    try:
        # One thread: batches are small, and a replica's cores belong to other requests.
        booster = xgboost.Booster(params={"nthread": 1}, model_file=path)
    except ValueError as error:
        # XGBoostError is one, and so is XGBoost's failure to decode its own message about odd bytes.
        cause = str(error).partition("\n")[0]
        raise ArtifactInvalid(
            f"{path.name} cannot be loaded as an XGBoost model: {cause}. Log the model again with model_format='ubj', "
            "and leave its files as they are."
        ) from error
    if booster.num_features() != len(inputs):
        raise ArtifactInvalid(
            f"{path.name} takes {booster.num_features()} features; its signature names {len(inputs)}. Log it with a "
            "signature made from the training columns."
        )
    names = booster.feature_names
    if names is not None and tuple(names) != tuple(inputs):
        raise ArtifactInvalid(
            f"{path.name} was trained on the columns {', '.join(names)}, in this order; its signature names "
            f"{', '.join(inputs)}. Log it with a signature made from the training columns."
        )
    _require_one_reading(path, booster.attr("best_iteration"), booster.num_boosted_rounds())

    if device == "cuda":
        return _on_gpu(booster, path, built_for_it=bool(xgboost.build_info().get("USE_CUDA")))

    def score(matrix: np.ndarray) -> np.ndarray:
        return np.asarray(booster.inplace_predict(matrix), dtype=np.float64)

    return score


def _on_gpu(booster: "Booster", path: Path, *, built_for_it: bool) -> Score:
    import xgboost  # noqa: PLC0415 - as above

    require_device("cuda", path.name, library_can=built_for_it, library="this build of XGBoost")
    booster.set_param({"device": "cuda"})

    def score(matrix: np.ndarray) -> np.ndarray:
        # In place, a matrix in the processor's memory would be scored by the processor, with a warning.
        return np.asarray(booster.predict(xgboost.DMatrix(matrix)), dtype=np.float64)

    return score


def _require_one_reading(path: Path, best: str | None, rounds: int) -> None:
    # XGBClassifier stops at its best iteration and a plain Booster does not: one file, two models.
    if best is not None and best.isdigit() and int(best) + 1 < rounds:
        raise ArtifactInvalid(
            f"{path.name} holds {rounds} rounds, of which early stopping found {int(best) + 1} best; XGBClassifier "
            "would use these, and a Booster all. Register one that holds these alone: "
            f"booster[: {int(best) + 1}], with booster = classifier.get_booster()"
        )
