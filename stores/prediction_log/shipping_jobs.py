"""Ship the log rows of ended jobs from the ledger into the table, each exactly once."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from lifecycle.errors import Conflict
from stores.ledger.job_log import JobLog
from stores.ledger.leases import Leases
from stores.prediction_log.delta import append_once, last_shipped, open_table

APP = "jobs"
"""In whose name the batches are numbered in the table."""
LEASE = "jobs-log"
ENTRIES_AT_ONCE = 500
"""Each holds the rows of the jobs that one replica ended together."""


def ship_job_rows(root: Path, kept: JobLog, leases: Leases, on_rows: Callable[[pa.Table], None] | None = None) -> int:
    """Ship everything that waits and return the rows that were committed; 0 while another process is at it.

    A batch gets the number that follows the table's last one before it is written. Whoever dies in between leaves a
    numbered batch: the next one writes it when the table does not know the number, and only lets go of it when it does.
    `on_rows` is shown what was committed, once at most. Raises Unavailable when the table cannot be written.
    """
    if not kept.waiting():
        return 0
    rows = 0
    try:
        with leases.hold(LEASE, wait_seconds=0):
            while (shipped := _ship_batch(root, kept)) is not None:
                rows += shipped.num_rows
                if on_rows is not None and shipped.num_rows:
                    on_rows(shipped)
    except Conflict:
        # Another process ships, or has shipped this very batch meanwhile; what is left waits for the next round.
        return rows
    return rows


def _ship_batch(root: Path, kept: JobLog) -> pa.Table | None:
    table = open_table(root)
    last = last_shipped(table, APP)
    number = kept.under_way()
    if number is None:
        number = last + 1
        kept.begin(number, ENTRIES_AT_ONCE)
    rows = kept.rows(number)
    if rows is None:
        return None
    fresh = number > last
    if fresh:
        append_once(table, rows, APP, number)
    kept.finish(number)
    return rows if fresh else rows.slice(0, 0)
