"""The table's commits one by one: which data files each brought, so that a follower counts every row once.

A commit is a file of JSON lines, and one that is there is whole; see the Delta transaction log protocol,
https://github.com/delta-io/delta/blob/master/PROTOCOL.md.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from lifecycle.errors import Unavailable
from stores.prediction_log.delta import find_table, table_folder
from stores.prediction_log.schema import SCHEMA

NOTHING = -1
"""The version before a table's first."""


@dataclass(frozen=True)
class NewFile:
    """A data file with rows that no earlier commit held; `rows` is how many, as the commit says."""

    path: Path
    rows: int


@dataclass(frozen=True)
class Commit:
    """One version of the table, and the files that are new in it; a compaction brings none."""

    version: int
    files: tuple[NewFile, ...]


def newest_version(root: Path) -> int:
    """Return the version at which the table stands, NOTHING without one; raises Unavailable."""
    table = find_table(root)
    return NOTHING if table is None else int(table.version())


def commit_after(root: Path, version: int) -> Commit | None:
    """Return the commit that follows a version, None when there is none yet.

    Commits that were cleaned away meanwhile are passed over, since nothing is known of them any more. Raises
    Unavailable when the log cannot be read.
    """
    folder = table_folder(root)
    try:
        found = _read(folder, version + 1)
        if found is None and _last_checkpoint(folder) > version:
            later = [int(path.stem) for path in _log(folder).glob("*.json") if path.stem.isdigit()]
            kept = min((one for one in later if one > version), default=None)
            found = None if kept is None else _read(folder, kept)
    except (OSError, ValueError) as error:
        raise Unavailable(f"the commits of {folder} cannot be read: {error}") from error
    return found


def rows_of(file: NewFile, columns: Sequence[str]) -> pa.Table:
    """Return chosen columns of a data file, null where it is older than one.

    Raises FileNotFoundError when it was merged and deleted meanwhile, Unavailable for one that cannot be read.
    """
    try:
        # On this thread alone: whoever counts must not take the cores from those who answer.
        with pq.ParquetFile(file.path) as there:
            names = there.schema_arrow.names
            rows = there.read([name for name in columns if name in names], use_threads=False)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise Unavailable(f"{file.path} cannot be read: {error}") from error
    return pa.table({name: _column(rows, name) for name in columns})


def _read(folder: Path, version: int) -> Commit | None:
    try:
        lines = (_log(folder) / f"{version:020d}.json").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    added = (action["add"] for line in lines if line and "add" in (action := json.loads(line)))
    return Commit(version, tuple(_file(folder, add) for add in added if add.get("dataChange", True)))


def _file(folder: Path, add: dict[str, Any]) -> NewFile:
    said = json.loads(add["stats"]) if add.get("stats") else {}
    return NewFile(folder / unquote(add["path"]), int(said.get("numRecords", 0)))


def _last_checkpoint(folder: Path) -> int:
    try:
        said = json.loads((_log(folder) / "_last_checkpoint").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return NOTHING
    return int(said["version"])


def _log(folder: Path) -> Path:
    return folder / "_delta_log"


def _column(rows: pa.Table, name: str) -> pa.ChunkedArray | pa.Array:
    # Delta spells some types its own way.
    kind = SCHEMA.field(name).type
    return rows[name].cast(kind) if name in rows.column_names else pa.nulls(len(rows), kind)
