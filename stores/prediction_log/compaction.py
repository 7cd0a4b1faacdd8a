"""Keep the prediction log's table quick to read: few large files, no old versions beyond their time."""

from dataclasses import dataclass
from pathlib import Path

from deltalake.exceptions import DeltaError

from lifecycle.errors import Unavailable
from stores.prediction_log.delta import LAYOUT, compaction_lock, find_table, table_folder


@dataclass(frozen=True)
class Compacted:
    """How many data files were replaced, and by how many."""

    files_before: int
    files_after: int


def compact(root: Path) -> Compacted:
    """Merge small data files into large ones while replicas go on appending; zeros when there is no table.

    Raises Conflict when another compaction runs on this machine; between machines a lease must keep them apart
    (see `compaction_lock`). The record of which segments were shipped stays as it is.
    """
    with compaction_lock(root):
        table = find_table(root)
        if table is None:
            return Compacted(0, 0)
        try:
            metrics = table.optimize.compact(max_concurrent_tasks=1, writer_properties=LAYOUT)
        except (DeltaError, OSError) as error:
            raise Unavailable(f"{table_folder(root)} cannot be compacted: {error}") from error
        return Compacted(metrics["numFilesRemoved"], metrics["numFilesAdded"])


def expire(root: Path, keep_hours: int | None = None) -> int:
    """Delete data files that no kept version of the table needs, and old log entries; return the files deleted.

    `keep_hours` overrides the table's own retention; a query or an append that takes longer than it fails.
    """
    table = find_table(root)
    if table is None:
        return 0
    try:
        deleted = table.vacuum(
            retention_hours=keep_hours,
            dry_run=False,
            enforce_retention_duration=keep_hours is None,
            full=True,
        )
        table.create_checkpoint()
        table.cleanup_metadata()
    except (DeltaError, OSError) as error:
        raise Unavailable(f"{table_folder(root)} cannot be cleaned of old files: {error}") from error
    return len(deleted)
