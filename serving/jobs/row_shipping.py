"""The thread that brings the log rows of ended jobs from the ledger into the prediction log."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from lifecycle.errors import HoldfastError
from stores.ledger.failing import in_short
from stores.ledger.job_log import JobLog
from stores.ledger.leases import Leases
from stores.prediction_log.shipping_jobs import ship_job_rows

log = structlog.get_logger()

SHIP_SECONDS = 2.0
STOP_SECONDS = 5.0


class RowShipping:
    """Ships every few seconds; a round that fails is tried again, and its rows wait in the ledger."""

    def __init__(self, ship: Callable[[], int], every_seconds: float = SHIP_SECONDS) -> None:
        self._ship = ship
        self._every_seconds = every_seconds
        self._stopped = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="jobs-rows", daemon=True)

    def start(self) -> None:
        """Ship in the background."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is left is shipped by another replica, or by the next."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopped.wait(self._every_seconds):
            try:
                self._ship()
                self._failing = False
            except (HoldfastError, SQLAlchemyError, OSError) as error:
                if not self._failing:
                    log.warning("job_rows_not_shipped", error=in_short(error))
                self._failing = True


def open_row_shipping(engine: Engine, prediction_log: Path, on_rows: Callable[[pa.Table], None]) -> RowShipping:
    """Return the thread, not started yet; `on_rows` is shown log rows that were shipped."""
    return RowShipping(partial(ship_job_rows, prediction_log, JobLog(engine), Leases(engine), on_rows))
