"""Append served predictions to a local file before they are answered."""

import os
import threading
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from lifecycle.errors import InvalidInput, Unavailable
from stores.prediction_log.ownership import claim_new
from stores.prediction_log.reading import OPEN_SUFFIX, SEALED_SUFFIX
from stores.prediction_log.schema import SCHEMA


@dataclass
class _Growing:
    """The file being appended to; `length` is where its last complete batch ends, in bytes."""

    path: Path
    descriptor: int
    length: int
    rows: int


class SegmentWriter:
    """One replica's segments: root/segments/<replica>.<id>/<number>.open while growing, .arrow once sealed.

    `append` hands a batch to the kernel in one write() and keeps nothing in this process: once it has
    returned, killing the process loses nothing. It does not fsync, so a batch that is not sealed yet can
    be lost to a power failure or a crash of the kernel; `seal` fsyncs. `append` may be called on one
    thread while `seal` runs on another, and never waits for its fsync.
    """

    def __init__(self, root: Path, replica: str) -> None:
        self.root = root
        self.owned = claim_new(root / "segments", replica)
        self._swap = threading.Lock()
        self._sealing = threading.Lock()
        self._number = 0
        self._growing: _Growing | None = self._begin()

    def append(self, batch: pa.RecordBatch) -> None:
        """Write a batch of the log's schema.

        Raises InvalidInput for another schema, and Unavailable when the disk refuses; nothing of the batch is
        kept then.
        """
        if not batch.schema.equals(SCHEMA):
            raise InvalidInput(f"a batch for the prediction log has columns {batch.schema.names}; see SCHEMA")
        payload = batch.serialize()
        with self._swap:
            if self._growing is None:
                raise Unavailable(f"the prediction log of {self.owned.app_id} is closed; start a new replica")
            _write_whole(self._growing, payload)
            self._growing.rows += batch.num_rows

    def seal(self) -> Path | None:
        """Close the growing segment for shipping and begin the next; None when it holds no rows."""
        with self._sealing:
            if self._growing is None or self._growing.rows == 0:
                return None
            following = self._begin()
            with self._swap:
                full, self._growing = self._growing, following
            return _seal(full)

    def close(self) -> None:
        """Seal what there is and let go of the folder; what is not shipped yet can be adopted."""
        with self._sealing:
            with self._swap:
                last, self._growing = self._growing, None
            if last is None:
                return
            if last.rows:
                _seal(last)
            else:
                os.close(last.descriptor)
                last.path.unlink()
            self.owned.release()

    def _begin(self) -> _Growing:
        self._number += 1
        path = self.owned.folder / f"{self._number:08d}{OPEN_SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        growing = _Growing(path, os.open(path, flags, 0o644), length=0, rows=0)
        _write_whole(growing, SCHEMA.serialize())
        return growing


def _write_whole(growing: _Growing, payload: pa.Buffer) -> None:
    try:
        written = os.write(growing.descriptor, payload)
        reason = f"{written} of {payload.size} bytes were taken"
    except OSError as error:
        written, reason = 0, str(error)
    if written != payload.size:
        os.ftruncate(growing.descriptor, growing.length)
        raise Unavailable(f"{growing.path} cannot be written: {reason}. Check the disk's free space.")
    growing.length += written


def _seal(full: _Growing) -> Path:
    os.fsync(full.descriptor)
    os.close(full.descriptor)
    return full.path.rename(full.path.with_suffix(SEALED_SUFFIX))
