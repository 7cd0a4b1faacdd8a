"""Versions in memory: loaded, proven on their own example and warmed before any request meets them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import msgspec

from feature_repo.definition import ModelDefinition
from feature_repo.editions import edition_of
from lifecycle.errors import ArtifactInvalid, ContractViolation, NotFound
from lifecycle.resources_policy import ArmResources, Device, Placement
from serving.isolation.lost import ProcessLost
from serving.isolation.scorer import Isolated, isolate
from serving.rollout.workers import Workers
from serving.rows import Row, RowCodec
from stores.predictor import Predictor, load_predictor, prove
from stores.small import load_small, prove_small
from stores.versions import VersionFiles

Place: TypeAlias = tuple[Placement, Device, float | None, float | None]
"""Where a version stands, what it computes on, and of a process of its own its memory and its deadline."""
SHARED_CPU: Place = ("shared", "cpu", None, None)
WORKERS = 3
"""Threads of a version: one that hangs leaves some that answer."""


@dataclass(frozen=True)
class Arm:
    """One version that has reproduced its own example, rows to warm it up with, and threads for it to score in.

    `definition` is the model's edition of the contract that the version was made for. `small` is its small model, which
    has reproduced the example too; None for a version that has none.
    """

    version: str
    files: VersionFiles
    predictor: Predictor
    example: list[Row]
    workers: Workers
    definition: ModelDefinition
    small: Predictor | None = None
    place: Place = SHARED_CPU

    @property
    def isolated(self) -> bool:
        """Whether the version has a process of its own."""
        return self.place[0] == "isolated"

    def prove(self) -> None:
        """Raise ArtifactInvalid unless the version and its small model still give the example's scores.

        Whoever asks may not wait for another process, which proved itself when it started: of an isolated version,
        raise ProcessLost while there is none.
        """
        if isinstance(self.predictor.predict, Isolated):
            self.predictor.predict.require_process()
        else:
            prove(self.files, self.predictor)
        if self.small is not None:
            prove_small(self.files, self.small)


def load_arm(version: str, files: VersionFiles, definition: ModelDefinition, needs: ArmResources | None = None) -> Arm:
    """Return a loaded and proven version, where and on what its arm `needs` to be: in this process without any.

    Raises ArtifactInvalid when its files do not do what they say, or were made for other features or
    fields than this code computes for their contract, or for a contract that it does not have. Raises Unavailable
    for a device that is not there or a process that cannot be started.
    """
    manifest = files.manifest
    try:
        definition = edition_of(definition, manifest.contract.name)
    except NotFound as error:
        raise ArtifactInvalid(
            f"version {version} was made for {error}, run the code it was trained with, or train again"
        ) from error
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
    if needs is not None and needs.placement == "isolated":
        predictor = isolate(version, files, needs)
    else:
        predictor = load_predictor(files, "cpu" if needs is None else needs.device)
        prove(files, predictor)
    workers = Workers(f"{manifest.model} {version}", WORKERS)
    example, small = _example_rows(version, files), load_small(files)
    return Arm(version, files, predictor, example, workers, definition, small, place_of(needs))


def _example_rows(version: str, files: VersionFiles) -> list[Row]:
    contract = files.manifest.contract
    # A version that was not made here has an example of features, but of no requests.
    example = files.manifest.example.request or (contract.example_row(),)
    try:
        return RowCodec(files.manifest.contract, len(example)).from_json(msgspec.json.encode({"rows": example}))
    except ContractViolation as error:
        raise ArtifactInvalid(
            f"the contract of version {version} refuses the version's own example: {error}"
        ) from error


def place_of(needs: ArmResources | None) -> Place:
    """Return what of an arm's needs a standing version cannot change any more."""
    if needs is None:
        return SHARED_CPU
    if needs.placement == "shared":
        return "shared", needs.device, None, None
    return "isolated", needs.device, needs.memory_mb, needs.deadline_ms


class Proving(Protocol):
    """Knows whether a version still works."""

    def failure(self) -> str | None:
        """Return why the version cannot be trusted, or None."""
        ...


@dataclass(frozen=True)
class TrialProof:
    """The word on a version on trial: it reproduced its example when it stood up, and its threads come back.

    Its example is not run again, because only its own threads may wait for it.
    """

    arm: Arm

    def failure(self) -> str | None:
        """Return that no thread is left to the version, or None."""
        if not self.arm.workers.stuck():
            return None
        return f"version {self.arm.version} holds all of its {WORKERS} threads past their deadline"


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
            except (ArtifactInvalid, ProcessLost) as error:
                self._reason = str(error)
            self._at = now
        return self._reason
