"""Seals a replica's segments, and keeps the process that ships them: starts it, and starts it again when it is lost."""

import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import structlog

from lifecycle.errors import HoldfastError
from serving.replica_log import FILE
from serving.shipping.beside import Beside
from serving.shipping.words import Task
from stores.prediction_log.segment import SegmentWriter
from stores.settings import Settings

log = structlog.get_logger()

COMMAND = (sys.executable, "-m", "serving.shipping.process")
SEAL_SECONDS = 2.0
EARLY_BYTES = 16 * 1024 * 1024
"""Sealed before its time, so that no round is much larger than the others."""
LOOK_SECONDS = 0.25
SILENCE_SECONDS = 120.0
"""A process that commits nothing for so long in a round hangs, and is replaced; no commit is made again."""
FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 0.5, 30.0
STEADY_SECONDS = 60.0
"""A process that ran so long is started again after the shortest pause."""
FINISH_SECONDS = 5.0
"""What the last round may take when the replica ends; what is left then waits to be adopted."""


@dataclass(frozen=True)
class Charge:
    """The settings whose stores are used, and the command that starts the process."""

    chosen: Settings
    command: Sequence[str] = COMMAND
    silence_seconds: float = SILENCE_SECONDS


class Shipping:
    """A thread that seals `writer`'s segments and has them shipped, from `start` to `stop`."""

    def __init__(self, writer: SegmentWriter, charge: Charge) -> None:
        self._writer = writer
        self._charge = charge
        self._sealing_trouble: str | None = None
        self._shipping_trouble: str | None = None
        self._seal_at = time.monotonic() + SEAL_SECONDS
        self._shipper: Beside | None = None
        self._numbers = count(1)
        self._backoff = FIRST_BACKOFF_SECONDS
        self._start_at = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)

    def start(self) -> None:
        """Begin in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Have everything shipped, for a few seconds, and close the writer; what is left waits to be adopted."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._writer.close()

    def trouble(self) -> str | None:
        """Return why the log is not shipped just now, None while it is; on any thread."""
        return self._sealing_trouble or self._shipping_trouble

    def _run(self) -> None:
        try:
            self._look_safely()
            while not self._stopped.wait(LOOK_SECONDS):
                self._look_safely()
            self._finish()
        finally:
            self._lose()

    def _look_safely(self) -> None:
        try:
            self._look()
        except Exception:
            # This thread must outlive whatever happens to one process.
            log.exception("shipping_keeping_failed", **self._names())

    def _look(self) -> None:
        now = time.monotonic()
        if now >= self._seal_at or self._writer.growing_bytes() >= EARLY_BYTES:
            self._seal()
            self._seal_at = now + SEAL_SECONDS
            if self._shipper is not None:
                self._shipper.wants_round = True
        if self._shipper is None:
            if now >= self._start_at:
                self._begin()
            return
        ended = self._shipper.tick()
        if ended is not None:
            self._shipping_trouble = ended.error
        trouble = self._shipper.trouble(self._charge.silence_seconds)
        if trouble is not None:
            self._replace(self._shipper, trouble)

    def _seal(self) -> None:
        try:
            self._writer.seal()
        except (HoldfastError, OSError) as error:
            if self._sealing_trouble is None:
                log.warning("sealing_failed", **self._names(), error=str(error))
            self._sealing_trouble = str(error)
        else:
            self._sealing_trouble = None

    def _begin(self) -> None:
        try:
            self._shipper = Beside(self._charge.command, self._task(), self._names())
        except OSError as error:
            self._shipping_trouble = f"no process can be started that ships: {error}"
            log.warning("shipping_not_started", **self._names(), error=str(error))
            self._back_off()

    def _replace(self, lost: Beside, trouble: str) -> None:
        log.warning("shipping_lost", **self._names(), reason=trouble)
        self._shipping_trouble = f"the process that ships {trouble}"
        if lost.seconds() > STEADY_SECONDS:
            self._backoff = FIRST_BACKOFF_SECONDS
        self._lose()
        self._back_off()

    def _back_off(self) -> None:
        self._start_at = time.monotonic() + self._backoff
        self._backoff = min(2 * self._backoff, LONGEST_BACKOFF_SECONDS)

    def _lose(self) -> None:
        if self._shipper is not None:
            self._shipper.kill()
            self._shipper.close()
            self._shipper = None

    def _finish(self) -> None:
        self._seal()
        if self._shipper is not None and not self._shipper.finish(FINISH_SECONDS):
            log.warning("shipping_cut_short", **self._names(), means="what is left waits to be adopted")

    def _task(self) -> Task:
        chosen, owned = self._charge.chosen, self._writer.owned
        return Task(
            parent=os.getpid(),
            descriptor=owned.descriptor,
            folder=str(owned.folder),
            name=f"{owned.app_id}.{next(self._numbers)}",
            prediction_log=str(chosen.prediction_log),
            ledger=chosen.ledger_address,
            versions=str(chosen.versions),
            policies=str(chosen.policies),
            metrics=str(chosen.run / "metrics"),
            log=str(chosen.run / FILE),
        )

    def _names(self) -> dict[str, str]:
        return {"replica": self._writer.owned.app_id}
