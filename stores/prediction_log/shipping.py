"""The thread that ships one replica's segments while it serves."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import structlog

from lifecycle.errors import HoldfastError
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import ship

log = structlog.get_logger()

EARLY_BYTES = 16 * 1024 * 1024
"""Ships before its time: memory is given back under Python's lock, so that answers wait for as long as that takes."""
LOOK_SECONDS = 0.25


class Shipper:
    """Seals and ships a writer's segment every few seconds, or once it has EARLY_BYTES, on a thread of its own.

    A failed round is logged and tried again in the next; segments wait on disk meanwhile. `on_rows` is shown what was
    shipped, on that thread; its errors are logged and keep nothing from being shipped.
    """

    def __init__(
        self,
        root: Path,
        writer: SegmentWriter,
        every_seconds: float,
        on_rows: Callable[[pa.Table], None] | None = None,
    ) -> None:
        self._root = root
        self._writer = writer
        self._every_seconds = every_seconds
        self._on_rows = on_rows
        self._shipping = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prediction-log-shipper", daemon=True)
        self.last_error: str | None = None

    def start(self) -> None:
        """Begin shipping in the background."""
        self._thread.start()

    def ship_now(self) -> int:
        """Ship everything appended so far and return the rows committed; raises what `ship` raises."""
        with self._shipping:
            self._writer.seal()
            return ship(self._root, self._writer.owned, self._show)

    def stop(self) -> None:
        """End the thread, ship what is left and close the writer; what cannot be shipped waits to be adopted."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._round()
        self._writer.close()

    def _show(self, rows: pa.Table) -> None:
        if self._on_rows is None:
            return
        try:
            self._on_rows(rows)
        except Exception:
            # Whoever looks on must not keep rows from being shipped.
            log.exception("rows_not_shown", replica=self._writer.owned.app_id, rows=rows.num_rows)

    def _run(self) -> None:
        due = time.monotonic() + self._every_seconds
        while not self._stopped.wait(min(self._every_seconds, LOOK_SECONDS)):
            if time.monotonic() >= due or self._writer.growing_bytes() >= EARLY_BYTES:
                self._round()
                due = time.monotonic() + self._every_seconds

    def _round(self) -> None:
        try:
            self.ship_now()
        except (HoldfastError, OSError) as error:
            self.last_error = str(error)
            log.warning("shipping_failed", replica=self._writer.owned.app_id, error=str(error))
        else:
            self.last_error = None
