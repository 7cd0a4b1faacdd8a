"""The shipped rows of one question that is asked again and again: each data file is read once."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable

from stores.prediction_log.schema import SCHEMA

MOST_QUESTIONS = 8
"""Questions kept; a supervisor asks one for each arm of its model."""


@dataclass(frozen=True)
class Question:
    """Some columns of a model's rows, logged by a plan revision or a later one."""

    model: str
    plan_revision: int
    columns: tuple[str, ...]


class ShippedFiles:
    """Keeps what was read of each data file of the table: a file never changes, and the table names those that count.

    Opening the whole table as a dataset costs time with every file that was ever shipped and not compacted yet,
    which is too much for a look every other second.
    """

    def __init__(self) -> None:
        self._read: dict[Question, dict[str, pa.Table]] = {}

    def rows(self, table: DeltaTable | None, question: Question) -> list[pa.Table]:
        """Return the rows that a table version holds, file by file."""
        known = self._read.pop(question, {})
        # Taken out and put in again, so that what was asked longest ago comes first.
        uris = [] if table is None else table.file_uris()
        self._read[question] = {uri: known[uri] if uri in known else _read_file(uri, question) for uri in uris}
        while len(self._read) > MOST_QUESTIONS:
            del self._read[next(iter(self._read))]
        return list(self._read[question].values())


def wanted_by(question: Question) -> pc.Expression:
    """Return which rows a question is about."""
    return (pc.field("model") == question.model) & (pc.field("plan_revision") >= question.plan_revision)


def _read_file(uri: str, question: Question) -> pa.Table:
    path = _path(uri)
    there = set(pq.read_schema(path).names)
    columns = [name for name in question.columns if name in there]
    rows = pq.read_table(path, columns=columns, filters=wanted_by(question))
    return pa.table({name: _column(rows, name) for name in question.columns})


def _column(rows: pa.Table, name: str) -> pa.ChunkedArray | pa.Array:
    # A file may be older than a column, and Delta spells some types its own way.
    kind = SCHEMA.field(name).type
    return rows[name].cast(kind) if name in rows.column_names else pa.nulls(len(rows), kind)


def _path(uri: str) -> Path:
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme == "file" else Path(uri)
