"""The shadow's work: load the version, prove it, then answer every batch that comes, and log the answers."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import psutil
import pyarrow as pa
import structlog

from lifecycle.errors import HoldfastError, Unavailable
from lifecycle.manifest import Manifest
from lifecycle.resources_policy import Device
from serving.children.lowest import watch_parent
from serving.children.memory import MemoryExhausted, is_exhaustion, limit_memory, used_mb
from serving.prediction_ids import PredictionIds
from serving.shadow.attempts import attempt
from serving.shadow.frames import (
    EXHAUSTED,
    Ack,
    Asking,
    Exhausted,
    Message,
    Ready,
    Refused,
    decode_task,
    encode_message,
    frames,
)
from serving.shadow.shadow_rows import ShadowVersion
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import adopt_orphans
from stores.prediction_log.shipping import Shipper
from stores.predictor import Predictor, prove
from stores.versions import VersionFiles

log = structlog.get_logger()

Load = Callable[[VersionFiles, Device], Predictor]
SHIP_SECONDS = 2.0
MEGABYTE = 1_000_000


def work(source: BinaryIO, sink: BinaryIO, load: Load) -> int:
    """Answer batches until `source` ends; return the exit status. Every message goes to `sink` as it is made.

    A version that the system gives no more memory has its process end at once.
    """
    try:
        return _work(source, sink, load)
    except MemoryExhausted:
        return _exhausted(sink)


def _work(source: BinaryIO, sink: BinaryIO, load: Load) -> int:
    incoming = frames(source)
    first = next(incoming, None)
    if first is None:
        return 0
    task = decode_task(first)
    watch_parent(task.parent)
    root = Path(task.prediction_log)
    # What the one before this left when it died; beside the work, because the table may be slow or away.
    threading.Thread(target=_adopt, args=(root,), name="adoption", daemon=True).start()
    try:
        files = VersionFiles(Path(task.folder), Manifest.model_validate_json(task.manifest))
        limit_memory(task.memory_limit_mb)
        predictor = load(files, task.device)
        if files.manifest.example.features:
            prove(files, predictor)
    except Exception as error:  # noqa: BLE001 - whatever an unproven version raises is the reason it is refused
        if is_exhaustion(error):
            return _exhausted(sink)
        return _refuse(sink, f"{type(error).__name__}: {error}", version_failed=not isinstance(error, Unavailable))
    try:
        writer = SegmentWriter(root, task.replica)
    except (HoldfastError, OSError) as error:
        return _refuse(sink, str(error), version_failed=False)
    try:
        translate = None if task.asking is None else _translating(task.asking, files.manifest)
    except Exception as error:  # noqa: BLE001 - stores out of reach are nobody's fault, and tried again
        return _refuse(sink, f"its features cannot be read: {type(error).__name__}: {error}", version_failed=False)
    shipper = Shipper(root, writer, SHIP_SECONDS)
    shipper.start()
    version = ShadowVersion(task, files.manifest.contract.name, files.manifest.artifact_digest)
    answering = _Answering(predictor, version, writer, PredictionIds(time.time), psutil.Process(), translate)
    _say(sink, Ready(answering.memory_mb()))
    for payload in incoming:
        _say(sink, answering.answer(pa.ipc.read_record_batch(pa.py_buffer(payload), SCHEMA)))
    shipper.stop()
    return 0


@dataclass(frozen=True)
class _Answering:
    predictor: Predictor
    version: ShadowVersion
    writer: SegmentWriter
    ids: PredictionIds
    process: psutil.Process
    translate: Callable[[pa.RecordBatch], pa.RecordBatch] | None

    def answer(self, mirrored: pa.RecordBatch) -> Ack:
        """Return what became of a batch, once its rows are in the log."""
        n_rows = mirrored.num_rows
        if self.translate is not None:
            try:
                mirrored = self.translate(mirrored)
            except Unavailable as error:
                # Without its features it was not asked anything, which is no evidence either way.
                log.warning("shadow_not_asked", rows=n_rows, error=str(error))
                return Ack(0, 0, n_rows, 0.0, self.memory_mb())
        attempts = attempt(self.predictor, _matrix(mirrored))
        rows = self.version.rows(mirrored, attempts, self.ids.take(n_rows), time.time())
        answered, failed, unlogged = n_rows - attempts.failed, attempts.failed, 0
        try:
            self.writer.append(rows)
        except Unavailable as error:
            # A full disk is not the version's fault, and what is not on record is no evidence.
            log.warning("shadow_rows_not_logged", rows=n_rows, error=str(error))
            answered, failed, unlogged = 0, 0, n_rows
        return Ack(answered, failed, unlogged, attempts.predict_us / 1000, self.memory_mb())

    def memory_mb(self) -> float:
        """Return this process's resident memory."""
        resident: int = self.process.memory_info().rss
        return resident / MEGABYTE


def _translating(asking: Asking, manifest: Manifest) -> Callable[[pa.RecordBatch], pa.RecordBatch]:
    # Feast takes seconds to import, and most shadows are asked in the champion's contract.
    from serving.shadow.translating import open_translating  # noqa: PLC0415 - as said

    return open_translating(asking, manifest.contract.name)


def _matrix(mirrored: pa.RecordBatch) -> np.ndarray:
    features = mirrored.column("features")
    return np.asarray(features.flatten(), dtype=np.float32).reshape(mirrored.num_rows, -1)


def _refuse(sink: BinaryIO, reason: str, *, version_failed: bool) -> int:
    _say(sink, Refused(reason, version_failed))
    return 1


def _exhausted(sink: BinaryIO) -> int:
    with suppress(MemoryError):
        _say(sink, Exhausted(used_mb()))
    # Whatever else there is to clear up would ask for memory, too.
    os._exit(EXHAUSTED)


def _say(sink: BinaryIO, message: Message) -> None:
    sink.write(encode_message(message))


def _adopt(root: Path) -> None:
    try:
        adopt_orphans(root)
    except (HoldfastError, OSError) as error:
        log.warning("adoption_failed", folder=str(root), error=str(error))
