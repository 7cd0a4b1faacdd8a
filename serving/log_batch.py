"""One micro-batch as a record batch of the prediction log."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lifecycle.charging import Charges
from stores.prediction_log.schema import MOMENT, SCHEMA

MICROSECONDS = 1_000_000
_TYPES = {field.name: field.type for field in SCHEMA}
_NAMES = tuple(_TYPES)
_TEXT = pa.string()
LENGTHS_KEPT = 64
"""Batches are rarely longer than this many rows, and then the columns cost little beside the rest."""


@dataclass(frozen=True)
class Decided:
    """Scores, (n_rows,) float64, and what follows from them; `decided_by` is None when all is the threshold's."""

    scores: np.ndarray
    decisions: Sequence[str]
    decided_by: Sequence[str | None] | None


@dataclass(frozen=True)
class Scored:
    """What varies from row to row of a micro-batch; every sequence and array has n_rows entries.

    `moments` are epoch seconds, `feature_at` is (n_rows, n_views) epoch seconds with NaN for missing,
    `matrix` is (n_rows, n_features) float32. Stage times are microseconds. `decided` is None for an attempt
    that failed. `tenants` is None when nobody of them said who asks. `originals` are the contracts and the JSON in
    which callers wrote rows that were translated, None elsewhere and as a whole when none was. `spent_us` is what was
    computed for each row before it was scored. `tiers` and `costs`, (n_rows,) float64, are None where all rows have the
    tier of their version's answers and share the time they took.
    """

    prediction_ids: Sequence[str]
    request_ids: Sequence[str]
    row_numbers: Sequence[int]
    served_at: float
    moments: np.ndarray
    example_ids: Sequence[str]
    units: Sequence[str]
    requests: Sequence[str]
    matrix: np.ndarray
    defaulted: Sequence[Sequence[str]]
    feature_at: np.ndarray
    decided: Decided | None
    decode_us: Sequence[int]
    queue_us: Sequence[int]
    features_us: int
    predict_us: int
    tenants: Sequence[str | None] | None = None
    originals: tuple[Sequence[str | None], Sequence[str | None]] | None = None
    spent_us: float = 0.0
    tiers: Sequence[str] | None = None
    costs: np.ndarray | None = None


@dataclass(frozen=True)
class Failure:
    """Why a micro-batch has no scores, row by row, and which rows were shown in place of its own.

    `pairs_with` is None when these rows are the ones that were shown.
    """

    errors: Sequence[str]
    pairs_with: Sequence[str] | None


ANSWERED: Mapping[str, str | bool | None] = {
    "outcome": "answered",
    "error": None,
    "shown": True,
    "pairs_with": None,
    "decided_by": None,
    "original_contract": None,
    "original_request": None,
}
"""What the usual row says of itself."""


class LogBatches:
    """Builds record batches; `constants` are the columns that never change for one version, arm and plan.

    Numbers are handed to Arrow as the buffers they are, because converting 32 small columns one by one
    would cost more than the prediction. With `charges` every row has its cost, and `spent` is told of each batch.
    """

    def __init__(
        self,
        constants: Mapping[str, str | int | None],
        charges: Charges | None = None,
        spent: Callable[[Sequence[str | None] | None, np.ndarray], None] | None = None,
    ) -> None:
        self._constants = {**ANSWERED, **constants}
        self._charges = charges
        self._spent = spent
        self._filled: dict[int, dict[str, pa.Array]] = {}

    def build(self, scored: Scored, failure: Failure | None = None) -> pa.RecordBatch:
        """Return the micro-batch in the log's schema; `failure` goes with rows that have no scores."""
        n_rows = len(scored.prediction_ids)
        columns = self._constant(n_rows)
        columns["prediction_id"] = pa.array(scored.prediction_ids, _TEXT)
        columns["request_id"] = pa.array(scored.request_ids, _TEXT)
        columns["example_id"] = pa.array(scored.example_ids, _TEXT)
        columns["unit"] = pa.array(scored.units, _TEXT)
        columns["request"] = pa.array(scored.requests, _TEXT)
        columns.update(_outcome(scored, failure))
        if scored.tenants is not None:
            columns["tenant"] = pa.array(scored.tenants, _TEXT)
        if scored.originals is not None:
            contracts, requests = scored.originals
            columns["original_contract"] = pa.array(contracts, _TEXT)
            columns["original_request"] = pa.array(requests, _TEXT)
        if scored.tiers is not None:
            columns["tier"] = pa.array(scored.tiers, _TEXT)
        if self._charges is not None:
            columns["cost"] = _numbers(pa.float64(), self._cost(scored, self._charges))
        columns["defaulted"] = pa.array(scored.defaulted, _TYPES["defaulted"])
        columns["served_at"] = moments(np.full(n_rows, scored.served_at))
        columns["moment_at"] = moments(scored.moments)
        columns["feature_at"] = lists("feature_at", scored.feature_at.shape, moments(scored.feature_at))
        columns["features"] = lists("features", scored.matrix.shape, _numbers(pa.float32(), scored.matrix))
        counts = np.empty((5, n_rows), np.int32)
        counts[0], counts[1], counts[2] = scored.row_numbers, scored.decode_us, scored.queue_us
        counts[3], counts[4] = scored.features_us, scored.predict_us
        for name, row in zip(("row", "decode_us", "queue_us", "features_us", "predict_us"), counts, strict=True):
            columns[name] = _numbers(pa.int32(), row)
        return pa.RecordBatch.from_arrays([columns[name] for name in _NAMES], schema=SCHEMA)

    def _cost(self, scored: Scored, charges: Charges) -> np.ndarray:
        costs = scored.costs
        if costs is None:
            n_rows = len(scored.prediction_ids)
            # The features of a failed attempt were read for the answer that was given in its place.
            if scored.decided is None:
                each = charges.attempt(scored.predict_us / n_rows)
            else:
                each = charges.of(str(self._constants["tier"]), scored.spent_us + scored.predict_us / n_rows)
            costs = np.full(n_rows, each)
        if self._spent is not None:
            self._spent(scored.tenants, costs)
        return costs

    def _constant(self, n_rows: int) -> dict[str, pa.Array]:
        """Return the constant columns of that length, made once for the lengths that come again and again."""
        filled = self._filled.get(n_rows)
        if filled is None:
            filled = {
                name: pa.repeat(pa.scalar(value, _TYPES[name]), n_rows) for name, value in self._constants.items()
            }
            if len(self._filled) < LENGTHS_KEPT:
                self._filled[n_rows] = filled
        return filled.copy()


def _outcome(scored: Scored, failure: Failure | None) -> dict[str, pa.Array]:
    decided = scored.decided
    if decided is not None and failure is None:
        columns = {"score": _numbers(pa.float64(), decided.scores), "decision": pa.array(decided.decisions, _TEXT)}
        if decided.decided_by is not None:
            columns["decided_by"] = pa.array(decided.decided_by, _TEXT)
        return columns
    if decided is not None or failure is None:
        raise ValueError("a micro-batch has either scores or a failure")
    n_rows = len(scored.prediction_ids)
    return {
        "score": pa.nulls(n_rows, pa.float64()),
        "decision": pa.nulls(n_rows, _TEXT),
        "outcome": pa.repeat("failed", n_rows),
        "error": pa.array(failure.errors, _TEXT),
        "shown": pa.repeat(failure.pairs_with is None, n_rows),
        "pairs_with": pa.nulls(n_rows, _TEXT) if failure.pairs_with is None else pa.array(failure.pairs_with, _TEXT),
    }


def _numbers(kind: pa.DataType, values: np.ndarray) -> pa.Array:
    """Return an array over the values' own memory, which must be contiguous and of that type."""
    return pa.Array.from_buffers(kind, values.size, [None, pa.py_buffer(values)])


def moments(epoch_seconds: np.ndarray) -> pa.Array:
    """Return epoch seconds of any shape as the log's moments, one after the other, null for NaN."""
    microseconds = epoch_seconds.ravel() * MICROSECONDS
    missing = np.isnan(microseconds)
    if not missing.any():
        return _numbers(MOMENT, np.rint(microseconds).astype(np.int64))
    whole = np.rint(np.where(missing, 0.0, microseconds)).astype(np.int64)
    valid = pa.py_buffer(np.packbits(~missing, bitorder="little"))
    return pa.Array.from_buffers(MOMENT, whole.size, [valid, pa.py_buffer(whole)])


def lists(name: str, shape: tuple[int, ...], values: pa.Array) -> pa.Array:
    """Return the lists of a column of the log, one per row of `shape`, over values one after the other."""
    n_rows, width = shape
    ends = np.arange(0, n_rows * width + 1, width, dtype=np.int32) if width else np.zeros(n_rows + 1, np.int32)
    return pa.Array.from_buffers(_TYPES[name], n_rows, [None, pa.py_buffer(ends)], children=[values])
