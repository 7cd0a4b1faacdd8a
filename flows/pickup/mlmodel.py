"""MLflow's description of a version, read as data: which flavor, which file, which columns."""

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from lifecycle.errors import ArtifactInvalid

MLMODEL = "MLmodel"
MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
OPENING = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
CLOSING = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)


def read_mlmodel(folder: Path) -> Mapping[str, Any]:
    """Return the document of a version's MLmodel file.

    Raises ArtifactInvalid when it is missing, a link, larger than MAX_BYTES, or anything but plain YAML.
    """
    path = folder / MLMODEL
    if not is_plain_file(path):
        raise ArtifactInvalid("The version has no MLmodel file. Register it with mlflow.<flavor>.log_model.")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ArtifactInvalid(f"MLmodel has {size} bytes; allowed: {MAX_BYTES}. Log the model without extra metadata.")
    try:
        text = path.read_text(encoding="utf-8")
        _refuse_references(text)
        document = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ArtifactInvalid(f"MLmodel is no valid YAML ({type(error).__name__}). Log the model again.") from error
    if not isinstance(document, dict):
        raise ArtifactInvalid("MLmodel holds no mapping. Log the model again.")
    return document


def is_plain_file(path: Path) -> bool:
    """Return whether a path is a file itself, and no link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def plain_file(folder: Path, name: object, what: str) -> str:
    """Return the name of a file that lies in a folder itself; raises ArtifactInvalid for any other way to point."""
    if not isinstance(name, str) or not name or Path(name).name != name or "\\" in name or name.startswith("."):
        raise ArtifactInvalid(
            f"MLmodel gives {name!r} as its {what}; allowed: the plain name of a file beside it. Log the model again."
        )
    if not is_plain_file(folder / name):
        raise ArtifactInvalid(f"MLmodel gives {name!r} as its {what}, which is no plain file. Log the model again.")
    return name


def _refuse_references(text: str) -> None:
    """Raise ArtifactInvalid for anchors, which can grow a small file without bounds, and for deep nesting."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken | yaml.TagToken):
            line = token.start_mark.line + 1
            raise ArtifactInvalid(
                f"MLmodel line {line} has an anchor, alias or tag; allowed: plain YAML. Log it again."
            )
        if isinstance(token, OPENING):
            depth += 1
        if isinstance(token, CLOSING):
            depth -= 1
        if depth > MAX_DEPTH:
            raise ArtifactInvalid(f"MLmodel is nested more than {MAX_DEPTH} deep. Log the model again.")
