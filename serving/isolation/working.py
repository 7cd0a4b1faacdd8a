"""An isolated version's work: load it, prove it, then answer every call that comes."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lifecycle.errors import Unavailable
from lifecycle.manifest import Manifest
from lifecycle.resources_policy import Device
from serving.children.lowest import watch_parent
from serving.children.memory import MemoryExhausted, is_exhaustion, limit_memory, used_mb
from serving.isolation.calls import CALL, TASK, Outcome, answer_bytes, decode_task
from stores.predictor import Predictor, prove
from stores.versions import VersionFiles

Load = Callable[[VersionFiles, Device], Predictor]
FLOAT_BYTES = 4


def work(source: BinaryIO, sink: BinaryIO, load: Load) -> int:
    """Answer calls until `source` ends; return the exit status.

    The answer to the task itself has number 0. A version that the system gives no more memory has its process end.
    """
    head = source.read(TASK.size)
    if len(head) < TASK.size:
        return 0
    task = decode_task(source.read(*TASK.unpack(head)))
    watch_parent(task.parent)
    call = 0
    try:
        files = VersionFiles(Path(task.folder), Manifest.model_validate_json(task.manifest))
        outcome, body, predictor = _loaded(files, task.device, task.memory_mb, load)
        sink.write(answer_bytes(call, outcome, body))
        if predictor is None:
            return 1
        while len(head := source.read(CALL.size)) == CALL.size:
            call, rows, columns = CALL.unpack(head)
            payload = source.read(rows * columns * FLOAT_BYTES)
            outcome, body = _scored(predictor, np.frombuffer(payload, dtype=np.float32).reshape(rows, columns))
            sink.write(answer_bytes(call, outcome, body))
    except MemoryExhausted:
        with suppress(MemoryError):
            sink.write(answer_bytes(call, Outcome.EXHAUSTED, f"{used_mb():.0f}".encode()))
        # Whatever else there is to clear up would ask for memory, too.
        os._exit(1)
    return 0


def _loaded(
    files: VersionFiles, device: Device, memory_mb: float, load: Load
) -> tuple[Outcome, bytes, Predictor | None]:
    try:
        limit_memory(memory_mb)
        predictor = load(files, device)
        prove(files, predictor)
    except Exception as error:
        if is_exhaustion(error):
            raise MemoryExhausted from error
        outcome = Outcome.ELSEWHERE if isinstance(error, Unavailable | OSError) else Outcome.FAILED
        return outcome, str(error).encode(), None
    return Outcome.SCORED, b"", predictor


def _scored(predictor: Predictor, matrix: np.ndarray) -> tuple[Outcome, bytes]:
    try:
        return Outcome.SCORED, np.ascontiguousarray(predictor.score(matrix), dtype=np.float64).tobytes()
    except Exception as error:
        # Whatever a version raises is its failure, but after this one there would be no other.
        if is_exhaustion(error):
            raise MemoryExhausted from error
        return Outcome.FAILED, f"{type(error).__name__}: {error}".encode()
