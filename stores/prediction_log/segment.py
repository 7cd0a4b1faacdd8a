"""Append served predictions to a local file before they are answered."""

import os
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pyarrow as pa
import structlog

from lifecycle.errors import InvalidInput, Unavailable
from stores.prediction_log.ownership import claim_new
from stores.prediction_log.reading import OPEN_SUFFIX, SEALED_SUFFIX
from stores.prediction_log.schema import SCHEMA

log = structlog.get_logger()


@dataclass
class _Growing:
    """The file being appended to; `length` is where its last complete batch ends, in bytes.

    A `torn` one holds part of a batch behind that, so nothing may be appended to it any more.
    """

    path: Path
    descriptor: int
    length: int = 0
    rows: int = 0
    torn: bool = False


class SegmentWriter:
    """One replica's segments: root/segments/<replica>.<id>/<number>.open while growing, .arrow once sealed.

    `append` hands a batch to the kernel in one write() and keeps nothing in this process: once it has
    returned, killing the process loses nothing. It does not fsync, so a batch that is not sealed yet can
    be lost to a power failure or a crash of the kernel; `seal` fsyncs. `append` may be called on one
    thread while `seal` runs on another, and never waits for its fsync.

    Segments are sealed in the order of their numbers, because the table remembers only the highest number
    that was shipped: one that cannot be sealed holds up those behind it until a later `seal` succeeds.
    """

    def __init__(self, root: Path, replica: str) -> None:
        self.root = root
        self.owned = claim_new(root / "segments", replica)
        self._swap = threading.Lock()
        self._sealing = threading.Lock()
        self._numbers = count(1)
        self._unsealed: deque[_Growing] = deque()
        try:
            self._growing: _Growing | None = self._begin()
        except Unavailable:
            self.owned.release()
            raise

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
            if self._growing.torn:
                following = self._begin()
                self._unsealed.append(self._growing)
                self._growing = following
            _write_whole(self._growing, payload)
            self._growing.rows += batch.num_rows

    def growing_bytes(self) -> int:
        """Return how much was appended since the last sealing; on any thread."""
        growing = self._growing
        return 0 if growing is None else growing.length

    def seal(self) -> Path | None:
        """Close the growing segment for shipping and begin the next; None when there is nothing to seal.

        Segments that could not be sealed before come first. Raises OSError or Unavailable when the disk
        refuses; nothing is lost then, and the next call tries again.
        """
        with self._sealing:
            # Before another is swapped out, so that a disk that keeps failing does not pile up open files.
            sealed = self._seal_waiting()
            full = self._growing
            if full is None or full.rows == 0:
                return sealed
            following = self._begin()
            with self._swap:
                swapped = self._growing is full
                if swapped:
                    self._unsealed.append(full)
                    self._growing = following
            if not swapped:
                # An append found `full` torn meanwhile and has begun another itself.
                self._throw_away(following)
            return self._seal_waiting()

    def close(self) -> None:
        """Seal what there is and let go of the folder; what is not shipped yet can be adopted.

        Segments that cannot be sealed are left growing, and whoever adopts the folder seals them.
        """
        with self._sealing:
            with self._swap:
                if self._growing is None:
                    return
                self._unsealed.append(self._growing)
                self._growing = None
            try:
                self._seal_waiting()
            except OSError as error:
                log.warning("segments_left_unsealed", replica=self.owned.app_id, error=str(error))
                while self._unsealed:
                    _close(self._unsealed.popleft())
            self.owned.release()

    def _begin(self) -> _Growing:
        path = self.owned.folder / f"{next(self._numbers):08d}{OPEN_SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        try:
            growing = _Growing(path, os.open(path, flags, 0o644))
        except OSError as error:
            raise _refused(path, str(error)) from error
        try:
            _write_whole(growing, SCHEMA.serialize())
        except Unavailable:
            self._throw_away(growing)
            raise
        return growing

    def _throw_away(self, empty: _Growing) -> None:
        try:
            _discard(empty)
        except OSError:
            # It would hold up the shipping of all behind it, so `seal` tries again.
            self._unsealed.append(empty)

    def _seal_waiting(self) -> Path | None:
        sealed = None
        while self._unsealed:
            full = self._unsealed[0]
            if full.rows:
                sealed = _seal(full)
            else:
                _discard(full)
            self._unsealed.popleft()
        return sealed


def _write_whole(growing: _Growing, payload: pa.Buffer) -> None:
    try:
        written = os.write(growing.descriptor, payload)
        reason = f"{written} of {payload.size} bytes were taken"
    except OSError as error:
        written, reason = 0, str(error)
    if written != payload.size:
        _cut(growing)
        raise _refused(growing.path, reason)
    growing.length += written


def _refused(path: Path, reason: str) -> Unavailable:
    return Unavailable(f"{path} cannot be written: {reason}. Check the disk's free space.")


def _cut(growing: _Growing) -> None:
    try:
        os.ftruncate(growing.descriptor, growing.length)
    except OSError:
        # Reading stops at the torn bytes, so rows behind them would be lost.
        growing.torn = True


def _seal(full: _Growing) -> Path:
    if full.torn:
        # Should this fail again, reading stops at the torn tail and nothing follows it.
        _cut(full)
    os.fsync(full.descriptor)
    sealed = full.path.rename(full.path.with_suffix(SEALED_SUFFIX))
    # Last, so that a failed seal can be tried again on the same descriptor.
    _close(full)
    return sealed


def _discard(empty: _Growing) -> None:
    empty.path.unlink(missing_ok=True)
    _close(empty)


def _close(done: _Growing) -> None:
    # The kernel frees the descriptor even when it reports an error, so there is nothing to try again.
    with suppress(OSError):
        os.close(done.descriptor)
