"""Local copies of model versions and of the last plan: what a replica starts from when nothing else is up."""

import hashlib
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from pydantic import TypeAdapter, ValidationError

from lifecycle.errors import ArtifactInvalid, InvalidInput, NotFound, Unavailable
from lifecycle.manifest import Manifest
from lifecycle.plan import TrafficPlan
from stores.formats.loading import CARRIES_NO_CODE
from stores.registry import Registry

MANIFEST = "manifest.json"
PLAN = "plan.json"
WHOLE_PLAN = TypeAdapter(TrafficPlan)


Pinned: TypeAlias = Callable[[str, str], Manifest | None]
"""From model and version to the manifest pinned at pick-up; raises Unavailable when that cannot be asked now."""


def nothing_pinned(_model: str, _version: str) -> None:
    """Say that no manifest was pinned, so that a version's own is believed."""
    return


@dataclass(frozen=True)
class VersionFiles:
    """A version's folder on this machine, every file checked against the manifest's digests."""

    folder: Path
    manifest: Manifest


class Versions:
    """Versions by name, under `<root>/<model>/<version>/`, fetched from the registry when absent.

    Without a registry, only what is here already can be opened. What was pinned of a version overrules the manifest
    that came with its files: files that changed since are refused.
    """

    def __init__(self, root: Path, registry: Registry | None, pinned: Pinned = nothing_pinned) -> None:
        self._root = root
        self._registry = registry
        self._pinned = pinned

    def open(self, model: str, version: str) -> VersionFiles:
        """Return a version's checked files, from the local copy when it is whole, else fetched.

        Raises NotFound for an unknown version, ArtifactInvalid when the files cannot be trusted, and
        Unavailable when they are not here and the registry or the pin cannot be reached.
        """
        folder = self._folder(model) / _name("version", version)
        try:
            pinned = self._pinned(model, version)
        except Unavailable:
            # A copy that is here was checked when it came, and serving outlives the ledger.
            if not folder.is_dir():
                raise
            return read_version(folder, model)
        if folder.is_dir():
            try:
                return read_version(folder, model, pinned)
            except ArtifactInvalid:
                if self._registry is None:
                    raise
        if self._registry is None:
            raise NotFound(f"no local copy of version {version} of {model} in {folder}, and no registry to ask")
        return self._fetch(self._registry, model, version, folder, pinned)

    def save_plan(self, plan: TrafficPlan) -> None:
        """Keep a plan as the last one known, for a start without the ledger."""
        folder = self._folder(plan.model)
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".plan-") as scratch:
            part = Path(scratch) / PLAN
            part.write_bytes(WHOLE_PLAN.dump_json(plan))
            part.replace(folder / PLAN)

    def last_plan(self, model: str) -> TrafficPlan:
        """Return the plan last saved here; raises NotFound when there is none."""
        path = self._folder(model) / PLAN
        try:
            return WHOLE_PLAN.validate_json(path.read_bytes())
        except FileNotFoundError as error:
            raise NotFound(f"no plan of {model} was ever saved at {path}") from error
        except (ValueError, TypeError) as error:
            raise ArtifactInvalid(f"{path} is damaged ({error}); remove it and start with the ledger up") from error

    def _folder(self, model: str) -> Path:
        return self._root / _name("model", model)

    def _fetch(
        self, registry: Registry, model: str, version: str, folder: Path, pinned: Manifest | None
    ) -> VersionFiles:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # A version appears under its name whole or not at all: it is checked beside its place first.
        with TemporaryDirectory(dir=folder.parent, prefix=".fetch-") as scratch:
            fetched = registry.fetch(model, version, Path(scratch) / "fetched")
            checked = read_version(fetched, model, pinned)
            if pinned is None and checked.manifest.format not in CARRIES_NO_CODE:
                raise ArtifactInvalid(
                    f"version {version} of {model} says itself that it is {checked.manifest.format}, and was never "
                    "picked up; only what pick-up has checked and pinned may be of such a format"
                )
            part = Path(scratch) / "part"
            part.mkdir()
            (part / MANIFEST).write_text(checked.manifest.model_dump_json(), encoding="utf-8")
            for name in checked.manifest.files:
                shutil.copyfile(fetched / name, part / name, follow_symlinks=False)
            return _put_in_place(part, folder, model, Path(scratch), pinned)


def read_version(folder: Path, model: str, pinned: Manifest | None = None) -> VersionFiles:
    """Return the version in a folder once every file fits its digest, the pinned one when there is one.

    Raises ArtifactInvalid.
    """
    manifest = _own_manifest(folder) if pinned is None else pinned
    said_by = folder / MANIFEST if pinned is None else "its pinned manifest"
    if manifest.model != model:
        raise ArtifactInvalid(f"{folder} holds a version of {manifest.model!r}, not of {model!r}")
    if manifest.model_file not in manifest.files:
        raise ArtifactInvalid(f"{said_by} gives no digest for its model file {manifest.model_file!r}")
    for name, expected in manifest.files.items():
        if Path(name).name != name:
            raise ArtifactInvalid(f"{said_by} names {name!r}; allowed: plain file names")
        if (folder / name).is_symlink():
            raise ArtifactInvalid(f"{folder / name} is a link; allowed: plain files")
        try:
            found = file_digest(folder / name)
        except OSError as error:
            raise ArtifactInvalid(f"{folder / name} cannot be read: {error}") from error
        if found != expected:
            changed = "its manifest says" if pinned is None else "it was picked up with"
            raise ArtifactInvalid(
                f"{folder / name} has SHA-256 {found}; {changed} {expected}. Register it as a new version."
            )
    return VersionFiles(folder, manifest)


def _own_manifest(folder: Path) -> Manifest:
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError) as error:
        raise ArtifactInvalid(f"{folder / MANIFEST} cannot be read as a manifest: {error}") from error


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _put_in_place(part: Path, folder: Path, model: str, scratch: Path, pinned: Manifest | None) -> VersionFiles:
    if folder.exists():
        try:
            return read_version(folder, model, pinned)
        except ArtifactInvalid:
            folder.rename(scratch / "damaged")
    try:
        part.rename(folder)
    except OSError:
        # Another replica put the same version here first; what it put is checked below.
        if not folder.is_dir():
            raise
    return read_version(folder, model, pinned)


def _name(what: str, value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", value):
        raise InvalidInput(f"{value!r} is no {what} name; allowed: letters, digits, _, . and -, at most 100")
    return value
