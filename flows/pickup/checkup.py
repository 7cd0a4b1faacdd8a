"""One version's check from the registry to its manifest: measured, fetched, tried, pinned."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from feature_repo.definition import ModelDefinition
from feature_repo.editions import edition_of
from flows.pickup.mlmodel import is_plain_file
from flows.pickup.report import Made, Order, Report
from flows.pickup.trial import try_version
from lifecycle.admission import Checkup, Problem
from lifecycle.errors import ArtifactInvalid, InvalidInput
from lifecycle.manifest import Example, Manifest
from lifecycle.policy import Policy
from stores.registry import Registry
from stores.versions import file_digest

CHECK_SECONDS = 60


@dataclass(frozen=True)
class Checked:
    """What a check found, and the manifest to pin; None when there is nothing to pin."""

    checkup: Checkup
    manifest: Manifest | None


def check_version(
    version: str, *, definition: ModelDefinition, policy: Policy, registry: Registry, seconds: int = CHECK_SECONDS
) -> Checked:
    """Return what a registered version is like; whatever is wrong with it is part of the answer.

    Raises Unavailable when the registry is away, NotFound when the version is gone, OSError when this machine has no
    room.
    """
    try:
        size_mb = registry.size(definition.name, version) / 1024 / 1024
    except (ArtifactInvalid, InvalidInput) as error:
        return _refused(None, "files", error)
    if size_mb > policy.pick_up.max_artifact_mb:
        # Its size is the problem, and it is not even fetched.
        return Checked(Checkup(size_mb=size_mb), None)
    with TemporaryDirectory(prefix="holdfast-pickup-") as scratch:
        try:
            folder = registry.fetch(definition.name, version, Path(scratch) / "fetched")
        except (ArtifactInvalid, InvalidInput) as error:
            return _refused(size_mb, "files", error)
        # Before anything of the version's runs, so that nothing can have changed them since.
        digests = {path.name: file_digest(path) for path in folder.iterdir() if is_plain_file(path)}
        report = try_version(_order(folder, definition, policy, seconds))
    return _checked(report, digests, size_mb, definition)


def _order(folder: Path, definition: ModelDefinition, policy: Policy, seconds: int) -> Order:
    return Order(
        folder=folder,
        contract=definition.contract,
        vector=definition.vector,
        defaults=tuple(definition.defaults.tolist()),
        allowed_formats=policy.pick_up.allowed_formats,
        seconds=seconds,
        memory_mb=round(policy.rollout.shadow.memory_limit_mb),
        older=tuple(_made(one.definition) for one in definition.older),
    )


def _made(definition: ModelDefinition) -> Made:
    defaults = tuple(definition.defaults.tolist())
    return Made(contract=definition.contract, vector=definition.vector, defaults=defaults)


def _checked(report: Report, digests: dict[str, str], size_mb: float, definition: ModelDefinition) -> Checked:
    if report.problems or report.format is None:
        return Checked(Checkup(size_mb=size_mb, format=report.format, problems=report.problems), None)
    definition = edition_of(definition, report.contract)
    taken = definition.vector if report.inputs is None else report.inputs
    checkup = Checkup(
        size_mb=size_mb,
        format=report.format,
        inputs=len(taken),
        latency_ms_1_row=report.latency_ms_1_row,
        latency_ms_64_rows=report.latency_ms_64_rows,
    )
    whole = np.tile(definition.defaults, (len(report.scores), 1))
    whole[:, [definition.vector.index(name) for name in taken]] = np.array(report.features)
    manifest = Manifest(
        model=definition.name,
        format=report.format,
        model_file=report.model_file,
        contract=definition.contract,
        feature_service=definition.contract.name,
        vector=definition.vector,
        inputs=report.inputs,
        example=Example(
            request=(),
            features=tuple(tuple(row) for row in whole.astype(np.float32).astype(np.float64).tolist()),
            scores=report.scores,
        ),
        files={name: digests[name] for name in report.files},
    )
    return Checked(checkup, manifest)


def _refused(size_mb: float | None, check: str, error: Exception) -> Checked:
    return Checked(Checkup(size_mb=size_mb, problems=(Problem(check=check, reason=f"{error}."),)), None)
