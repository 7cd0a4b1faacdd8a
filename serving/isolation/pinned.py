"""Loading a version in a process of its own, from the very file that was pinned."""

from lifecycle.errors import ArtifactInvalid
from lifecycle.resources_policy import Device
from stores.predictor import Predictor, load_predictor
from stores.versions import VersionFiles, file_digest


def load_version(files: VersionFiles, device: Device = "cpu") -> Predictor:
    """Return a version's predictor, from the very file that was pinned, on a device; raises ArtifactInvalid."""
    manifest = files.manifest
    found = file_digest(files.folder / manifest.model_file)
    if found != manifest.artifact_digest:
        raise ArtifactInvalid(
            f"{files.folder / manifest.model_file} has SHA-256 {found}; its manifest says {manifest.artifact_digest}"
        )
    return load_predictor(files, device)
