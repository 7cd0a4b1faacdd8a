"""The baseline that travels with a version: what its features and scores looked like when it was accepted."""

from pydantic import ValidationError

from lifecycle.errors import ArtifactInvalid
from lifecycle.profile import Profile
from stores.versions import VersionFiles

PROFILE = "profile.json"


def own_baseline(files: VersionFiles) -> Profile | None:
    """Return the profile among a version's own checked files, None for a version that brought none.

    Raises ArtifactInvalid when it is there and cannot be read, or speaks of features and fields that the version does
    not have.
    """
    if PROFILE not in files.manifest.files:
        return None
    try:
        profile = Profile.model_validate_json((files.folder / PROFILE).read_bytes())
    except (OSError, ValidationError) as error:
        raise ArtifactInvalid(f"{files.folder / PROFILE} cannot be read as a baseline: {error}") from error
    fields = {field.name for field in files.manifest.contract.fields}
    unknown = sorted((profile.features.keys() - set(files.manifest.vector)) | (profile.categories.keys() - fields))
    if unknown:
        raise ArtifactInvalid(
            f"{files.folder / PROFILE} is a baseline of {', '.join(unknown)}; allowed: the version's own features and "
            "the fields of its contract"
        )
    return profile
