"""Versions in memory: loaded, proven on their own example and warmed before any request meets them."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from feature_repo.definition import ModelDefinition
from lifecycle.errors import ArtifactInvalid, ContractViolation
from serving.rows import Row, RowCodec
from stores.predictor import Predictor, load_predictor, prove
from stores.versions import VersionFiles


@dataclass(frozen=True)
class Arm:
    """One version that has reproduced its own example, and the rows of that example."""

    version: str
    files: VersionFiles
    predictor: Predictor
    example: list[Row]

    def prove(self) -> None:
        """Raise ArtifactInvalid unless the version still gives its example's scores, bit for bit."""
        prove(self.files, self.predictor)


def load_arm(version: str, files: VersionFiles, definition: ModelDefinition) -> Arm:
    """Return a loaded and proven version.

    Raises ArtifactInvalid when its files do not do what they say, or were made for other features or
    fields than this code computes.
    """
    manifest = files.manifest
    if manifest.vector != definition.vector:
        odd = sorted(set(manifest.vector) ^ set(definition.vector)) or "their order"
        raise ArtifactInvalid(
            f"version {version} of {manifest.model} was trained on other features than this code computes "
            f"(differing: {odd}); run the code it was trained with, or train again"
        )
    theirs = {field.name: field.type for field in manifest.contract.fields}
    ours = {field.name: field.type for field in definition.contract.fields}
    if theirs != ours:
        odd = sorted(name for name in theirs | ours if theirs.get(name) != ours.get(name))
        raise ArtifactInvalid(
            f"version {version} of {manifest.model} has contract {manifest.contract.name} with other fields than "
            f"this code reads (differing: {', '.join(odd)}); run the code it was trained with, or train again"
        )
    predictor = load_predictor(files)
    prove(files, predictor)
    return Arm(version, files, predictor, _example_rows(version, files))


def _example_rows(version: str, files: VersionFiles) -> list[Row]:
    example = files.manifest.example.request
    try:
        return RowCodec(files.manifest.contract, len(example)).from_json(msgspec.json.encode({"rows": example}))
    except ContractViolation as error:
        raise ArtifactInvalid(
            f"the contract of version {version} refuses the version's own example: {error}"
        ) from error


@dataclass
class Proof:
    """The newest word on whether an arm works, at most `seconds` old."""

    arm: Arm
    seconds: float
    monotonic: Callable[[], float]
    _at: float = float("-inf")
    _reason: str | None = None

    def failure(self) -> str | None:
        """Return why the arm cannot be trusted, or None when it just reproduced its example."""
        now = self.monotonic()
        if now - self._at >= self.seconds:
            try:
                self.arm.prove()
                self._reason = None
            except ArtifactInvalid as error:
                self._reason = str(error)
            self._at = now
        return self._reason
