"""How long rows of the prediction log have waited to be shipped."""

from pathlib import Path

from stores.prediction_log.reading import OPEN_SUFFIX, SEALED_SUFFIX
from stores.prediction_log.schema import SCHEMA

EMPTY_BYTES: int = SCHEMA.serialize().size
"""What a segment without rows holds."""


def unshipped_seconds(root: Path, now: float) -> float:
    """Return the age of the oldest segment with rows, by when it was last written to, 0.0 without any.

    `now` is in epoch seconds. One that is being written to is a moment old. One that cannot be sealed or shipped, or
    that a dead replica left and nobody adopted, grows old.
    """
    oldest = now
    for suffix in (OPEN_SUFFIX, SEALED_SUFFIX):
        for path in (root / "segments").glob(f"[!.]*/*{suffix}"):
            try:
                found = path.stat()
            except FileNotFoundError:
                continue
            if found.st_size > EMPTY_BYTES:
                oldest = min(oldest, found.st_mtime)
    return max(0.0, now - oldest)
