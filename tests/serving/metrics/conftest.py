"""Rows of a prediction log, and a folder of figures."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter


def logged_row(**changes: Any) -> dict[str, Any]:
    """Return a champion's answered row, changed."""
    row: dict[str, Any] = {
        "prediction_id": "p",
        "model": "toy",
        "version": "1",
        "arm": "champion",
        "tier": "model",
        "outcome": "answered",
        "shown": True,
        "score": 0.5,
        "defaulted": [],
        "decode_us": 50,
        "queue_us": 100,
        "features_us": 2_000,
        "predict_us": 400,
    }
    return row | changes


def batch(*rows: dict[str, Any]) -> pa.RecordBatch:
    """Return rows in the log's schema."""
    return pa.RecordBatch.from_pylist(list(rows), schema=SCHEMA)


@pytest.fixture
def log_root(tmp_path: Path) -> Path:
    """Return the root of a prediction log that nothing was written to."""
    return tmp_path / "predictions"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder that replicas share their figures in."""
    return tmp_path / "metrics"


@pytest.fixture
def writer(log_root: Path) -> SegmentWriter:
    """Return one replica's end of the log."""
    return SegmentWriter(log_root, "replica-a")
