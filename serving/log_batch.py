"""One micro-batch as a record batch of the prediction log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from stores.prediction_log.schema import MOMENT, SCHEMA

MICROSECONDS = 1_000_000
_TYPES = {field.name: field.type for field in SCHEMA}
_NAMES = tuple(_TYPES)
_TEXT = pa.string()


@dataclass(frozen=True)
class Scored:
    """What varies from row to row of a micro-batch; every sequence and array has n_rows entries.

    `moments` are epoch seconds, `feature_at` is (n_rows, n_views) epoch seconds with NaN for missing,
    `matrix` is (n_rows, n_features) float32. Stage times are microseconds.
    """

    prediction_ids: Sequence[str]
    request_ids: Sequence[str]
    row_numbers: Sequence[int]
    served_at: float
    moments: np.ndarray
    example_ids: Sequence[str]
    requests: Sequence[str]
    matrix: np.ndarray
    defaulted: Sequence[Sequence[str]]
    feature_at: np.ndarray
    scores: np.ndarray
    decisions: Sequence[str]
    decode_us: Sequence[int]
    queue_us: Sequence[int]
    features_us: int
    predict_us: int


class LogBatches:
    """Builds record batches; `constants` are the columns that never change for one version and plan.

    Numbers are handed to Arrow as the buffers they are, because converting 26 small columns one by one
    would cost more than the prediction.
    """

    def __init__(self, constants: Mapping[str, str | int | None]) -> None:
        self._constants = constants
        self._filled: dict[str, pa.Array] = {}
        self._length = 0

    def build(self, scored: Scored) -> pa.RecordBatch:
        """Return the micro-batch in the log's schema."""
        n_rows = len(scored.prediction_ids)
        self._fill(n_rows)
        columns = {name: filled.slice(0, n_rows) for name, filled in self._filled.items()}
        columns["prediction_id"] = pa.array(scored.prediction_ids, _TEXT)
        columns["request_id"] = pa.array(scored.request_ids, _TEXT)
        columns["example_id"] = pa.array(scored.example_ids, _TEXT)
        columns["request"] = pa.array(scored.requests, _TEXT)
        columns["decision"] = pa.array(scored.decisions, _TEXT)
        columns["defaulted"] = pa.array(scored.defaulted, _TYPES["defaulted"])
        columns["served_at"] = _moments(np.full(n_rows, scored.served_at))
        columns["moment_at"] = _moments(scored.moments)
        columns["feature_at"] = _lists("feature_at", scored.feature_at.shape, _moments(scored.feature_at))
        columns["features"] = _lists("features", scored.matrix.shape, _numbers(pa.float32(), scored.matrix))
        columns["score"] = _numbers(pa.float64(), scored.scores)
        counts = np.empty((5, n_rows), np.int32)
        counts[0], counts[1], counts[2] = scored.row_numbers, scored.decode_us, scored.queue_us
        counts[3], counts[4] = scored.features_us, scored.predict_us
        for name, row in zip(("row", "decode_us", "queue_us", "features_us", "predict_us"), counts, strict=True):
            columns[name] = _numbers(pa.int32(), row)
        return pa.RecordBatch.from_arrays([columns[name] for name in _NAMES], schema=SCHEMA)

    def _fill(self, n_rows: int) -> None:
        if n_rows > self._length:
            self._length = n_rows
            self._filled = {
                name: pa.repeat(pa.scalar(value, _TYPES[name]), n_rows) for name, value in self._constants.items()
            }


def _numbers(kind: pa.DataType, values: np.ndarray) -> pa.Array:
    """Return an array over the values' own memory, which must be contiguous and of that type."""
    return pa.Array.from_buffers(kind, values.size, [None, pa.py_buffer(values)])


def _moments(epoch_seconds: np.ndarray) -> pa.Array:
    microseconds = epoch_seconds.ravel() * MICROSECONDS
    missing = np.isnan(microseconds)
    if not missing.any():
        return _numbers(MOMENT, np.rint(microseconds).astype(np.int64))
    whole = np.rint(np.where(missing, 0.0, microseconds)).astype(np.int64)
    valid = pa.py_buffer(np.packbits(~missing, bitorder="little"))
    return pa.Array.from_buffers(MOMENT, whole.size, [valid, pa.py_buffer(whole)])


def _lists(name: str, shape: tuple[int, ...], values: pa.Array) -> pa.Array:
    n_rows, width = shape
    ends = np.arange(0, n_rows * width + 1, width, dtype=np.int32) if width else np.zeros(n_rows + 1, np.int32)
    return pa.Array.from_buffers(_TYPES[name], n_rows, [None, pa.py_buffer(ends)], children=[values])
