"""The work of the process that ships: round by round into the table, and on to those who look at what was shipped."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa
import structlog

from serving.children.lowest import watch_parent
from serving.jobs.row_shipping import open_row_shipping
from serving.metrics.log_tail import LogTail
from serving.policy_files import PolicyFiles
from serving.replica_log import log_to
from serving.reviewing.opening import open_intake
from serving.shipping.words import Round, Task, decode_task, encode
from serving.watching.opening import open_counting
from stores.ledger.opening import connect
from stores.prediction_log.ownership import Ownership
from stores.prediction_log.shipper import FAILURES, ship

log = structlog.get_logger()


class Onlooker(Protocol):
    """Who looks at shipped rows, on a thread of its own."""

    def start(self) -> None:
        """Begin."""
        ...

    def offer(self, rows: pa.Table) -> None:
        """Take rows; returns at once."""
        ...

    def stop(self) -> None:
        """Be done with what was taken, within a few seconds."""
        ...


def work(source: BinaryIO, sink: BinaryIO) -> int:
    """Ship whenever `source` asks, and once more when it ends; return the exit status."""
    first = source.readline()
    if not first:
        return 0
    task = decode_task(first)
    log_to(Path(task.log))
    watch_parent(task.parent)
    engine = connect(task.ledger)
    onlookers = (
        open_counting(engine, Path(task.versions), task.name),
        open_intake(engine, PolicyFiles(Path(task.policies)).newest),
    )

    def say(said: Round) -> None:
        sink.write(encode(said) + b"\n")

    rounds = Rounds(task, onlookers, lambda: say(Round(is_over=False)))
    job_rows = open_row_shipping(engine, Path(task.prediction_log), rounds.show)
    for part in (*onlookers, job_rows):
        part.start()
    while source.readline():
        say(rounds.round())
    job_rows.stop()
    last = rounds.round()
    for onlooker in onlookers:
        onlooker.stop()
    engine.dispose()
    say(last)
    return 0


class Rounds:
    """Ships a replica's segments, and counts what all replicas have shipped for the metrics.

    `came_further` is called after each commit of a round.
    """

    def __init__(self, task: Task, onlookers: tuple[Onlooker, ...], came_further: Callable[[], None]) -> None:
        self._root = Path(task.prediction_log)
        self._owned = Ownership(Path(task.folder), task.descriptor)
        self._tail = LogTail(self._root, Path(task.metrics))
        self._onlookers = onlookers
        self._came_further = came_further
        self._uncounted = False

    def round(self) -> Round:
        """Ship what is sealed; what cannot be shipped waits for the next round."""
        error = None
        try:
            ship(self._root, self._owned, self._shipped)
        except FAILURES as failed:
            # A path may hold bytes that are no text.
            error = f"{failed}".encode(errors="backslashreplace").decode()
            log.warning("shipping_failed", replica=self._owned.app_id, error=error)
        self._count()
        return Round(error)

    def show(self, rows: pa.Table) -> None:
        """Show rows that were shipped to all onlookers."""
        for onlooker in self._onlookers:
            try:
                onlooker.offer(rows)
            except Exception:
                # Whoever looks on must not keep rows from being shipped.
                log.exception("rows_not_shown", replica=self._owned.app_id, rows=rows.num_rows)

    def _shipped(self, rows: pa.Table) -> None:
        self._came_further()
        self.show(rows)

    def _count(self) -> None:
        try:
            self._tail.advance()
        except FAILURES as error:
            if not self._uncounted:
                log.warning("metrics_not_kept", error=str(error))
            self._uncounted = True
        else:
            self._uncounted = False
