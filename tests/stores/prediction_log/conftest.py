"""Rows for the prediction log."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from stores.prediction_log.schema import SCHEMA

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
