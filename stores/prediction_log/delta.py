"""The Delta table that segments are shipped into: open, append once, compact."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from lifecycle.errors import Conflict, Unavailable
from stores.prediction_log.schema import SCHEMA

CONFIGURATION = {
    "delta.logRetentionDuration": "interval 1 days",
    "delta.deletedFileRetentionDuration": "interval 1 hours",
}
"""How long old table versions can be read; a query that runs longer than the second may lose its files."""
COMMIT_RETRIES = 100
"""Replicas commit independently; each lost race costs one retry."""
LAYOUT = WriterProperties(compression="ZSTD", compression_level=1, max_row_group_size=65_536)
"""Row groups small enough that looking at the newest rows, or at one, decodes few others."""


def table_folder(root: Path) -> Path:
    """Folder of the Delta table."""
    return root / "log"


def find_table(root: Path) -> DeltaTable | None:
    """Return the table as it stands now, or None before the first prediction was shipped."""
    try:
        return DeltaTable(table_folder(root))
    except TableNotFoundError:
        return None
    except (DeltaError, OSError) as error:
        raise Unavailable(f"the prediction log at {table_folder(root)} cannot be read: {error}") from error


def open_table(root: Path) -> DeltaTable:
    """Return the table as it stands now, created when it is not there yet."""
    standing = find_table(root)
    if standing is not None:
        return standing
    try:
        DeltaTable.create(table_folder(root), SCHEMA, mode="ignore", name="predictions", configuration=CONFIGURATION)
    except (DeltaError, OSError) as error:
        # Of two replicas that create it at once, one loses and finds it made.
        made = find_table(root)
        if made is None:
            raise Unavailable(f"the prediction log at {table_folder(root)} cannot be created: {error}") from error
        return made
    return DeltaTable(table_folder(root))


def last_shipped(table: DeltaTable, app_id: str) -> int:
    """Return the number of the newest segment in the table from one folder of segments; 0 for none."""
    version: int | None = table.transaction_version(app_id)
    return version or 0


def append_once(table: DeltaTable, rows: pa.Table, app_id: str, number: int) -> None:
    """Commit rows together with the number of the newest segment among them, both or neither.

    Raises Conflict when the same folder's segments are being committed by somebody else, and Unavailable when
    the table cannot be written; in both cases `last_shipped` of a fresh table tells what stands.
    """
    properties = CommitProperties(
        app_transactions=[Transaction(app_id, number)],
        max_commit_retries=COMMIT_RETRIES,
    )
    try:
        write_deltalake(
            table,
            rows,
            mode="append",
            schema_mode="merge",
            commit_properties=properties,
            writer_properties=LAYOUT,
        )
    except (DeltaError, OSError) as error:
        if "Concurrent transaction" in str(error):
            raise Conflict(f"segment {number} of {app_id} was committed by another process meanwhile") from error
        raise Unavailable(f"segment {number} of {app_id} cannot be committed: {error}") from error


@contextmanager
def compaction_lock(root: Path) -> Iterator[None]:
    """Hold the table against a second compaction on this machine; raises Conflict when one is running.

    deltalake 1.6.6 commits a compaction without looking whether another one has replaced the same files
    meanwhile: both results stand and every row is there twice.
    """
    root.mkdir(parents=True, exist_ok=True)
    with (root / "compaction.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"{table_folder(root)} is being compacted by another process; wait for it") from error
        yield
