"""The event store: what became known, one Delta table per model and stream.

Tables are append-only. A corrected event is a further row with a later `known_at`, so a window of the past reads the
same whatever is corrected afterwards, and a writer never rewrites rows that a reader is looking at.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import structlog
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from lifecycle.errors import InvalidInput, NotFound, Unavailable

FILES_BEFORE_COMPACTION = 16
"""Reading costs 0.3 ms a file, and hourly ingest adds one each time."""
COMPACTED_BYTES = 8 * 2**20
REPLACED_FILES_KEPT = timedelta(hours=1)
"""A reader may still hold a table as it was; nothing reads one for an hour."""
COMMITS_PER_CHECKPOINT = "20"
MOMENT = pa.timestamp("us", "UTC")

log = structlog.get_logger()


class EventStore:
    """Events by model and stream. Of events with one key, the latest known stands."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def merge(self, model: str, stream: str, key: tuple[str, ...], frame: pd.DataFrame) -> int:
        """Add events and return how many were new: no event with their key was known as late before.

        `frame` is (n_rows, n_columns) with UTC `known_at` and no null in the key; text columns are object columns of
        str or None. Merging the same events again adds nothing. Raises InvalidInput for a frame that does not fit
        the table, Unavailable when the table cannot be written.
        """
        _require_key(stream, key, frame)
        table = self._open(model, stream)
        if table is not None and frame.empty:
            return 0
        latest = frame.sort_values("known_at", ascending=False, kind="stable").drop_duplicates(list(key))
        arrow = _to_arrow(stream, latest.sort_values("known_at", kind="stable"), table)
        if table is None:
            self._create(model, stream, key, arrow)
            return int(arrow.num_rows)
        fresh = _newer_than_standing(table, key, arrow)
        if fresh.num_rows:
            _append(table, fresh)
        return int(fresh.num_rows)

    def load(self, model: str, stream: str, start: datetime | None = None, end: datetime | None = None) -> pd.DataFrame:
        """Return the events that became known in [start, end), one row per key, by `known_at` and key.

        Of several with one key, the latest known inside the window stands. Times are datetime64[us, UTC].
        Raises NotFound when nothing of the stream was ever stored.
        """
        key = _key(self._existing(model, stream))
        return self.versions(model, stream, start, end).drop_duplicates(key, keep="last", ignore_index=True)

    def versions(
        self, model: str, stream: str, start: datetime | None = None, end: datetime | None = None
    ) -> pd.DataFrame:
        """Return the same as `load` with every version of each event, the superseded ones too."""
        table = self._existing(model, stream)
        key = _key(table)
        rows = _scan(table, None, start, end).sort_by([(name, "ascending") for name in ("known_at", *key)])
        frame: pd.DataFrame = rows.to_pandas()
        return frame.drop_duplicates([*key, "known_at"], keep="last", ignore_index=True)

    def known_at(
        self, model: str, stream: str, start: datetime | None = None, end: datetime | None = None
    ) -> np.ndarray:
        """Return when each event of a window became known, as sorted epoch seconds (n_events,).

        Superseded events count, and a stream that was never stored has none.
        """
        table = self._open(model, stream)
        if table is None:
            return np.empty(0, dtype=np.float64)
        moments = _scan(table, ["known_at"], start, end)["known_at"].cast(pa.int64()).to_numpy()
        return np.sort(moments) / 1e6

    def count(self, model: str, stream: str) -> int:
        """Return how many events, by key, are stored; 0 for a stream that was never stored."""
        table = self._open(model, stream)
        if table is None:
            return 0
        key = _key(table)
        return int(_scan(table, key, None, None).group_by(key).aggregate([]).num_rows)

    def _path(self, model: str, stream: str) -> Path:
        return self._root / model / stream

    def _open(self, model: str, stream: str) -> DeltaTable | None:
        try:
            return DeltaTable(self._path(model, stream))
        except TableNotFoundError:
            return None
        except DeltaError as error:
            raise Unavailable(f"the events of {model}.{stream} cannot be read: {error}") from error

    def _existing(self, model: str, stream: str) -> DeltaTable:
        table = self._open(model, stream)
        if table is None:
            raise NotFound(f"no events of {model}.{stream} are stored under {self._root}; ingest them first")
        return table

    def _create(self, model: str, stream: str, key: tuple[str, ...], rows: pa.Table) -> None:
        path = self._path(model, stream)
        path.mkdir(parents=True, exist_ok=True)
        try:
            write_deltalake(
                path,
                rows,
                mode="error",
                description=json.dumps({"key": key}),
                configuration={"delta.checkpointInterval": COMMITS_PER_CHECKPOINT},
            )
        except (DeltaError, OSError, pa.ArrowException) as error:
            raise Unavailable(f"the table of {model}.{stream} cannot be created at {path}: {error}") from error


def _require_key(stream: str, key: tuple[str, ...], frame: pd.DataFrame) -> None:
    missing = [column for column in (*key, "known_at") if column not in frame.columns]
    if missing:
        raise InvalidInput(f"events of {stream} lack {', '.join(missing)}; they have {', '.join(frame.columns)}")
    nulls = [column for column in (*key, "known_at") if frame[column].isna().any()]
    if nulls:
        raise InvalidInput(f"events of {stream} have nulls in {', '.join(nulls)}; leave those rows out")


def _to_arrow(stream: str, frame: pd.DataFrame, table: DeltaTable | None) -> pa.Table:
    # An hour may hold only nulls of a text column: its type comes from the table, or from it being an object column.
    if table is None:
        schema = pa.schema([(name, _arrow_type(frame[name])) for name in frame.columns])
    else:
        schema = pa.schema(table.schema())
        if set(schema.names) != set(frame.columns):
            raise InvalidInput(
                f"events of {stream} have columns {', '.join(sorted(frame.columns))}; "
                f"the table has {', '.join(sorted(schema.names))}"
            )
    try:
        return pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InvalidInput(f"events of {stream} do not fit their table: {'; '.join(map(str, error.args))}") from error


def _arrow_type(column: pd.Series) -> pa.DataType:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return MOMENT
    return pa.string() if column.dtype == object else pa.from_numpy_dtype(column.dtype)


def _key(table: DeltaTable) -> list[str]:
    return [str(column) for column in json.loads(table.metadata().description)["key"]]


def _scan(table: DeltaTable, columns: list[str] | None, start: datetime | None, end: datetime | None) -> pa.Table:
    known_at = pc.field("known_at")
    wanted = pc.scalar(value=True)
    if start is not None:
        wanted &= known_at >= pa.scalar(start, MOMENT)
    if end is not None:
        wanted &= known_at < pa.scalar(end, MOMENT)
    try:
        return table.to_pyarrow_dataset().to_table(columns=columns, filter=wanted)
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise Unavailable(f"the events at {table.table_uri} cannot be read: {error}") from error


def _newer_than_standing(table: DeltaTable, key: tuple[str, ...], rows: pa.Table) -> pa.Table:
    oldest = pc.min(rows["known_at"]).as_py()
    # Only a standing event known at least as late can refuse a new one, so the older part of the table is not read.
    standing = _scan(table, [*key, "known_at"], oldest, None)
    if standing.num_rows == 0:
        return rows
    latest = standing.group_by(list(key)).aggregate([("known_at", "max")])
    beside = rows.select(key).append_column("row", pa.array(np.arange(rows.num_rows)))
    beside = beside.join(latest, list(key), join_type="left outer").sort_by("row")
    newer = pc.greater(rows["known_at"], beside["known_at_max"])
    return rows.filter(pc.fill_null(newer, fill_value=True))


def _append(table: DeltaTable, rows: pa.Table) -> None:
    try:
        write_deltalake(table, rows, mode="append")
        if len(table.file_uris()) >= FILES_BEFORE_COMPACTION:
            _compact(table)
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise Unavailable(f"the events at {table.table_uri} cannot be written: {error}") from error


def _compact(table: DeltaTable) -> None:
    # Two compactions at once would double rows: the flows that merge hold a lease per model. A doubled row is
    # dropped again on reading, by its key.
    started_at = datetime.now(UTC)
    try:
        table.optimize.compact(target_size=COMPACTED_BYTES)
    except CommitFailedError:
        # Another writer was faster; the next merge tries again.
        log.info("compaction_left_to_another_writer", table=table.table_uri)
        return
    hours = int(REPLACED_FILES_KEPT / timedelta(hours=1))
    table.vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False)
    seconds = (datetime.now(UTC) - started_at).total_seconds()
    log.debug("events_compacted", table=table.table_uri, seconds=round(seconds, 3))
