"""A small JSON file that is replaced whole, so that a reader or a crash never meets a half."""

from pathlib import Path
from typing import TypeVar

import msgspec
import structlog

log = structlog.get_logger()

T = TypeVar("T")


def write_kept(path: Path, value: object) -> None:
    """Replace a file by a value; raises OSError when the disk refuses, and the old file stands then."""
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(value))
    part.replace(path)


def read_kept(path: Path, kind: type[T]) -> T | None:
    """Return what a file holds, None when there is none; one that a power failure left garbled counts as none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        log.warning("metrics_file_unreadable", path=str(path), error=str(error), means="its counts begin at 0")
        return None
