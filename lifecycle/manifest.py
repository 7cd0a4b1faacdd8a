"""What travels with a model version: enough to load it, prove it and know what it accepts."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from lifecycle.contract import Contract
from lifecycle.rollout_policy import Format


class Example(BaseModel):
    """Requests with the features and scores the version gave them when it was trained.

    `features` is (n_rows, n_features) in the manifest's vector order, float32 values;
    `scores` is (n_rows,), probabilities of the positive class.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    request: tuple[dict[str, str | int | float | bool | None], ...]
    features: tuple[tuple[float | None, ...], ...]
    scores: tuple[float, ...]


class SmallModel(BaseModel):
    """The cheap model that learned a version's own scores and can answer in its place.

    It takes the manifest's vector as it is. `model_file` and `judged_file` are among the manifest's files; `scores`,
    (n_rows,), are what it gives for the manifest's example. `judged_file` holds (n_rows, 3) float32 of rows that
    neither learned from: the label, the version's score, and its own. Only formats that carry no code, because a small
    model is believed to be what the manifest says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["xgboost-ubj", "xgboost-json"]
    model_file: str
    judged_file: str
    scores: tuple[float, ...]


class Manifest(BaseModel):
    """The description beside a version's model file.

    `files` maps each file of the version to its SHA-256; `model_file` is one of them. `vector` is the feature
    service's, as the gateway assembles and logs it; `inputs` are those of its features that this version takes,
    in its own order, None when it takes the vector as it is. `small` is None for a version without a small model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    format: Format
    model_file: str
    contract: Contract
    feature_service: str
    vector: tuple[str, ...]
    inputs: tuple[str, ...] | None = None
    example: Example
    files: dict[str, str]
    small: SmallModel | None = None

    @property
    def artifact_digest(self) -> str:
        """SHA-256 of the model file."""
        return self.files[self.model_file]
