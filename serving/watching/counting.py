"""The thread that counts what was shipped, and tells the ledger every few seconds."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc
import structlog
from sqlalchemy.exc import SQLAlchemyError

from lifecycle.errors import HoldfastError
from serving.watching.hour_counts import HourCounts
from serving.watching.known_baselines import KnownBaselines
from stores.clock import Clock
from stores.ledger.failing import in_short
from stores.ledger.profiles import Profiles
from stores.prediction_log.counting import COLUMNS, by_hour, count_logged, countable

log = structlog.get_logger()

WRITE_SECONDS = 5.0
STOP_SECONDS = 5.0
"""How long a replica that ends waits for its last counts to be written."""
MOST_WAITING_ROWS = 100_000
MOST_HOURS_AT_ONCE = 64
"""Hours of one shipment that are counted, those with most rows first; live traffic has one or two."""


class Counting:
    """Counts shipped rows on their versions' baselines and keeps the counts in the ledger.

    All of it may fail: whatever is not counted here, `flows/watching/reconciling.py` counts from the log. `vector_of`
    returns the features of a model's contract in the order of its vector; None stands for the contract of today.
    """

    def __init__(
        self,
        *,
        vector_of: Callable[[str, str | None], Sequence[str]],
        baselines: KnownBaselines,
        profiles: Profiles,
        name: str,
        clock: Clock,
        write_seconds: float = WRITE_SECONDS,
    ) -> None:
        self._vector_of = vector_of
        self._baselines = baselines
        self._profiles = profiles
        self._clock = clock
        self._write_seconds = write_seconds
        self._counts = HourCounts(name, time.monotonic)
        self._waiting: deque[pa.Table] = deque()
        self._waiting_rows = 0
        self._queue = threading.Lock()
        self._away = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="counting", daemon=True)

    def start(self) -> None:
        """Count in the background."""
        self._thread.start()

    def offer(self, rows: pa.Table) -> None:
        """Take shipped rows to be counted, or leave them out when too many wait; returns at once."""
        with self._queue:
            taken = self._waiting_rows + rows.num_rows <= MOST_WAITING_ROWS
            if taken:
                self._waiting.append(rows.select(list(COLUMNS)))
                self._waiting_rows += rows.num_rows
        if not taken:
            log.warning("rows_not_counted", rows=rows.num_rows, because=f"{MOST_WAITING_ROWS} rows wait")

    def stop(self) -> None:
        """Count and write what is left, and end; what the ledger does not take in time is counted from the log."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def count_waiting(self) -> None:
        """Count every row that waits."""
        while (rows := self._next()) is not None:
            for model in rows["model"].unique().drop_null().to_pylist():
                try:
                    self._count(model, rows.filter(pc.equal(rows["model"], model)))
                except (HoldfastError, pa.ArrowException) as error:
                    log.warning("rows_not_counted", model=model, because=str(error))

    def write(self) -> None:
        """Bring the ledger up to date; one that is away is told the next time."""
        parts = self._counts.unwritten()
        try:
            refused = self._profiles.keep(parts, self._clock.now()) if parts else frozenset()
        except SQLAlchemyError as error:
            if not self._away:
                log.warning("counts_not_written", hours=len(parts), error=in_short(error))
            self._away = True
            return
        self._away = False
        self._counts.written(parts, refused)

    def _run(self) -> None:
        ending = False
        while not ending:
            ending = self._stopped.wait(self._write_seconds)
            try:
                self.count_waiting()
                self.write()
            except Exception:
                # This thread must outlive whatever the rows of one shipment do to it.
                log.exception("counting_failed")

    def _next(self) -> pa.Table | None:
        with self._queue:
            if not self._waiting:
                return None
            rows = self._waiting.popleft()
            self._waiting_rows -= rows.num_rows
            return rows

    def _count(self, model: str, rows: pa.Table) -> None:
        contracts = rows["contract"].unique().to_pylist()
        named = pc.fill_null(rows["contract"], "")
        for contract in contracts:
            mine = rows if len(contracts) == 1 else rows.filter(pc.equal(named, contract or ""))
            self._count_by(self._vector_of(model, contract), model, mine)

    def _count_by(self, vector: Sequence[str], model: str, rows: pa.Table) -> None:
        for hour, found in islice(by_hour(countable(rows, len(vector))), MOST_HOURS_AT_ONCE):
            baseline = self._baselines.of(model, hour.version)
            if baseline is None:
                continue
            self._counts.add(hour, count_logged(found, baseline, vector))
