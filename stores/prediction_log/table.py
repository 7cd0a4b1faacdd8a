"""Read the prediction log: count, tail, SQL, and one prediction by its id."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable

from lifecycle.errors import NotFound
from stores.prediction_log.delta import find_table, last_shipped
from stores.prediction_log.reading import read_all
from stores.prediction_log.schema import MOMENT, SCHEMA
from stores.prediction_log.shipped_files import Question, ShippedFiles, wanted_by
from stores.prediction_log.sql import run_sql

Row: TypeAlias = dict[str, Any]
"""One row by column name, in Python's own types."""
SHOWN = pc.field("shown").is_null() | pc.field("shown")
"""The rows that clients were to see; older ones do not say so, because all were."""


class PredictionLog:
    """Every answered prediction: the shipped ones in the Delta table, the pending ones still in segments."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files = ShippedFiles()

    def count(self, model: str | None = None, *, with_pending: bool = False) -> int:
        """Return the number of shipped predictions of one model or of all, exact also while replicas are shipping.

        A prediction counts once: attempts that nobody was shown, such as a shadow's, are beside it and not counted.
        """
        pending, shipped = self._pending_and_shipped()
        wanted = SHOWN if model is None else SHOWN & (pc.field("model") == model)
        rows: int = shipped.count_rows(filter=wanted)
        if with_pending:
            rows += ds.dataset(pending).count_rows(filter=wanted)
        return rows

    def pending(self) -> int:
        """Return the number of rows that are logged and not shipped yet."""
        rows: int = self._pending_and_shipped()[0].num_rows
        return rows

    def tail(self, rows: int) -> list[Row]:
        """Return the last rows logged, pending ones and attempts that nobody was shown included, newest last."""
        pending, shipped = self._pending_and_shipped()
        # Reading one column first spares the wide ones of all rows but the last.
        newest = run_sql(shipped, "SELECT served_at FROM predictions ORDER BY served_at DESC LIMIT ?", (rows,))
        if newest.num_rows:
            since = pc.min(newest["served_at"])
            pending = pa.concat_tables(
                [pending, shipped.to_table(filter=pc.field("served_at") >= since)], promote_options="default"
            )
        ordered = pending.sort_by([("served_at", "descending"), ("request_id", "descending"), ("row", "descending")])
        return list(reversed(ordered.slice(0, rows).to_pylist()))

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a SELECT over the view `predictions`, which holds what was shipped; see `run_sql`."""
        rows: list[Row] = self.query_table(sql, parameters).to_pylist()
        return rows

    def query_table(self, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
        """Return the same as `query` as an Arrow table, for results of many rows."""
        return run_sql(_dataset(find_table(self._root)), sql, parameters)

    def since(
        self,
        model: str,
        plan_revision: int,
        columns: Sequence[str],
        *,
        after: datetime | None = None,
        until: datetime | None = None,
    ) -> pa.Table:
        """Return chosen columns of a model's rows logged by a plan revision or a later one, each row once, unordered.

        Pending rows are among them; of both, those served after `after` and not after `until`. A column that is
        younger than its rows is null in them.
        """
        asked = tuple(dict.fromkeys((*columns, "served_at")))
        question = Question(model, plan_revision, asked)
        pending, table = self._pending_and_table()
        known = [name for name in asked if name in pending.column_names]
        empty = pa.schema([SCHEMA.field(name) for name in asked]).empty_table()
        fresh = ds.dataset(pending).to_table(columns=known, filter=wanted_by(question))
        rows = pa.concat_tables([empty, *self._files.rows(table, question, after), fresh], promote_options="default")
        served = rows["served_at"]
        if after is not None:
            rows = rows.filter(pc.greater(served, pa.scalar(after, MOMENT)))
            served = rows["served_at"]
        if until is not None:
            rows = rows.filter(pc.less_equal(served, pa.scalar(until, MOMENT)))
        return rows.select(list(columns))

    def get(self, prediction_id: str) -> Row:
        """Return one prediction, shipped or pending; raises NotFound."""
        pending, shipped = self._pending_and_shipped()
        wanted = pc.field("prediction_id") == prediction_id
        found = pending.filter(wanted)
        if not found.num_rows:
            found = _find(shipped, prediction_id)
        if not found.num_rows:
            raise NotFound(
                f"no prediction {prediction_id!r} among {shipped.count_rows()} shipped and {pending.num_rows} pending "
                "ones; `holdfast log tail` shows the newest"
            )
        row: Row = found.slice(0, 1).to_pylist()[0]
        return row

    def _pending_and_shipped(self) -> tuple[pa.Table, ds.Dataset]:
        pending, table = self._pending_and_table()
        return pending, _dataset(table)

    def _pending_and_table(self) -> tuple[pa.Table, DeltaTable | None]:
        """Return both parts as of one table version, so that no row is in both or in neither.

        Segments are read first: one that vanishes meanwhile was committed before the table is opened, and one
        that is committed by then is known by its number.
        """
        read = read_all(self._root / "segments")
        table = find_table(self._root)
        waiting = [
            batch
            for app_id, number, reading in read
            if table is None or number > last_shipped(table, app_id)
            for batch in reading.batches
        ]
        pending = pa.Table.from_batches(waiting, schema=None if waiting else SCHEMA)
        return pending, table


def _dataset(table: DeltaTable | None) -> ds.Dataset:
    if table is None:
        return ds.dataset(SCHEMA.empty_table())
    dataset = table.to_pyarrow_dataset()
    # A table that is older than a column gets it with the first row shipped; until then it reads as null.
    younger = [field for field in SCHEMA if field.name not in dataset.schema.names]
    return dataset.replace_schema(pa.schema([*dataset.schema, *younger])) if younger else dataset


def _find(shipped: ds.Dataset, prediction_id: str) -> pa.Table:
    wanted = pc.field("prediction_id") == prediction_id
    # The id's column alone says which row group to decode whole.
    for file in shipped.get_fragments(filter=wanted):
        for fragment in file.split_by_row_group() if isinstance(file, ds.ParquetFileFragment) else [file]:
            if fragment.count_rows(filter=wanted):
                return fragment.to_table(schema=shipped.schema, filter=wanted)
    return shipped.schema.empty_table()
