"""The thread that ships one process's segments while it works."""

import threading
from pathlib import Path

import structlog

from lifecycle.errors import HoldfastError
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import ship

log = structlog.get_logger()


class Shipper:
    """Seals and ships a writer's segment every few seconds, on a thread of its own.

    A failed round is logged and tried again in the next; segments wait on disk meanwhile.
    """

    def __init__(self, root: Path, writer: SegmentWriter, every_seconds: float) -> None:
        self._root = root
        self._writer = writer
        self._every_seconds = every_seconds
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
            return ship(self._root, self._writer.owned)

    def stop(self) -> None:
        """End the thread, ship what is left and close the writer; what cannot be shipped waits to be adopted."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._round()
        self._writer.close()

    def _run(self) -> None:
        while not self._stopped.wait(self._every_seconds):
            self._round()

    def _round(self) -> None:
        try:
            self.ship_now()
        except (HoldfastError, OSError) as error:
            self.last_error = str(error)
            log.warning("shipping_failed", replica=self._writer.owned.app_id, error=str(error))
        else:
            self.last_error = None
