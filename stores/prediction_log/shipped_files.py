"""The shipped rows of one question that is asked again and again: each data file is read once."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable

from stores.prediction_log.schema import MOMENT, SCHEMA

MOST_QUESTIONS = 8
"""Questions kept; a supervisor asks one for each arm of its model."""


@dataclass(frozen=True)
class Question:
    """Some columns of a model's rows, logged by a plan revision or a later one."""

    model: str
    plan_revision: int
    columns: tuple[str, ...]


@dataclass(frozen=True)
class _Known:
    """What was read of each data file: its rows served after `after`, all of them for None."""

    after: datetime | None
    files: dict[str, pa.Table]

    def holds(self, after: datetime | None) -> bool:
        return self.after is None or (after is not None and after >= self.after)


class ShippedFiles:
    """Keeps what was read of each data file of the table: a file never changes, and the table names those that count.

    Opening the whole table as a dataset costs time with every file that was ever shipped and not compacted yet,
    which is too much for a look every other second. Of a window that moves on, files that it has left are let go:
    a champion serves for months, and its watch looks at the last hour.
    """

    def __init__(self) -> None:
        self._read: dict[Question, _Known] = {}

    def rows(self, table: DeltaTable | None, question: Question, after: datetime | None = None) -> list[pa.Table]:
        """Return the rows that a table version holds, file by file; of a file, maybe also some not served `after`.

        The question has the column served_at when `after` is given.
        """
        # Taken out and put in again, so that what was asked longest ago comes first.
        before = self._read.pop(question, None)
        known = before.files if before is not None and before.holds(after) else {}
        uris = [] if table is None else table.file_uris()
        files = {uri: known[uri] if uri in known else _read_file(uri, question, after) for uri in uris}
        if after is not None:
            files = {uri: rows if _reaches(rows, after) else rows.schema.empty_table() for uri, rows in files.items()}
        self._read[question] = _Known(after, files)
        while len(self._read) > MOST_QUESTIONS:
            del self._read[next(iter(self._read))]
        return list(files.values())


def wanted_by(question: Question) -> pc.Expression:
    """Return which rows a question is about."""
    return (pc.field("model") == question.model) & (pc.field("plan_revision") >= question.plan_revision)


def _reaches(rows: pa.Table, after: datetime) -> bool:
    newest = pc.max(rows["served_at"]).as_py()
    return newest is not None and newest > after


def _read_file(uri: str, question: Question, after: datetime | None) -> pa.Table:
    path = _path(uri)
    there = set(pq.read_schema(path).names)
    columns = [name for name in question.columns if name in there]
    wanted = wanted_by(question)
    if after is not None:
        wanted &= pc.field("served_at") > pa.scalar(after, MOMENT)
    rows = pq.read_table(path, columns=columns, filters=wanted)
    return pa.table({name: _column(rows, name) for name in question.columns})


def _column(rows: pa.Table, name: str) -> pa.ChunkedArray | pa.Array:
    # A file may be older than a column, and Delta spells some types its own way.
    kind = SCHEMA.field(name).type
    return rows[name].cast(kind) if name in rows.column_names else pa.nulls(len(rows), kind)


def _path(uri: str) -> Path:
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme == "file" else Path(uri)
