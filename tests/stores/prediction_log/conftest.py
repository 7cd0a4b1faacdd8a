"""Rows for the prediction log, a disk that fails, and a replica that dies."""

import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.table import PredictionLog

START = datetime(2013, 4, 1, tzinfo=UTC)
BatchOf = Callable[..., pa.RecordBatch]


def batch_of(*ids: str, model: str = "tiny") -> pa.RecordBatch:
    """Return one row per id, served a second apart in the order of the ids."""
    rows = [
        {
            "prediction_id": one,
            "request_id": f"request-{one}",
            "row": 0,
            "model": model,
            "version": "1",
            "served_at": START + timedelta(seconds=int("".join(filter(str.isdigit, one)) or 0)),
            "request": '{"size": 1.5}',
            "features": [1.5, -0.1],
            "defaulted": ["weight"],
            "feature_at": [START, None],
            "score": 0.25,
        }
        for one in ids
    ]
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


@pytest.fixture
def batches() -> BatchOf:
    """Return the maker of rows."""
    return batch_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the folder of an empty prediction log."""
    return tmp_path / "predictions"


@contextmanager
def full_disk(room_bytes: int) -> Iterator[None]:
    """Let no file grow beyond a size, as a disk that has just that much room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def failing(call: str) -> Iterator[None]:
    """Make one of the system's calls fail with an input/output error, as a disk that is about to die."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "input/output error")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, call, fail)
        yield


def die(writer: SegmentWriter) -> None:
    """Let go of a writer's folder as the kernel does when its process is killed."""
    os.close(writer.owned.descriptor)


def ids_in(root: Path) -> list[str]:
    """Return the ids of all shipped rows, sorted."""
    return sorted(row["prediction_id"] for row in PredictionLog(root).query("SELECT prediction_id FROM predictions"))
