"""The metrics of one replica: kept every few seconds on a thread of their own, and shown for all replicas together."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import structlog

from feature_repo.editions import editions_of
from lifecycle.errors import HoldfastError, Unavailable
from serving.metrics.exposition import exposition
from serving.metrics.figures import Figures
from serving.metrics.job_families import LATER
from serving.metrics.ledger_figures import LedgerFigures
from serving.metrics.log_tail import LogTail
from serving.metrics.loop_families import BUILD_INFO, GATEWAY, LEDGER_UP, LOOP, UNSHIPPED
from serving.metrics.replica import ReplicaFigures
from serving.metrics.served_families import LOGGED, MISSING, SHADOW_ROWS, SHOWN, TOLD, UNCOUNTED
from serving.metrics.snapshots import Snapshots
from serving.metrics.unshipped import unshipped_seconds

log = structlog.get_logger()

KEEP_SECONDS = 2.0
"""What a killed replica counted by itself since is lost with it: at most so many seconds of requests by status."""
FAMILIES = (*LOGGED, *TOLD, *LOOP, *LATER, *GATEWAY)
"""Every metric, in the order in which they are shown."""


@dataclass
class Metrics:
    """Keeps this replica's figures and shows everybody's."""

    replica: ReplicaFigures
    snapshots: Snapshots
    tail: LogTail
    ledger: LedgerFigures
    prediction_log: Path
    epoch_seconds: Callable[[], float] = time.time
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _failing: bool = False

    def start(self) -> None:
        """Keep the figures in the background."""
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, keep the last figures and leave them to the others."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self._round()
        self.ledger.close()
        self.snapshots.close()

    def page(self) -> bytes:
        """Return what Prometheus reads. Blocks for files and the ledger, so it is no work for the event loop.

        Raises Unavailable when the state folder cannot be read or written.
        """
        try:
            return exposition(FAMILIES, self._figures())
        except OSError as error:
            raise Unavailable(f"the metrics cannot be kept: {error}. Check the disk's free space.") from error

    def _figures(self) -> Figures:
        with self._turn:
            self._keep()
            # Who ships counts, too; this brings in what was shipped since.
            self.tail.advance()
            summed = self.snapshots.summed()
            figures = self.tail.figures()
            figures.merge(summed.counters)
            figures.merge(summed.gauges)
            known = self.ledger.figures()
        if known is not None:
            figures.merge(known)
        figures.set(LEDGER_UP, (), float(known is not None))
        figures.set(BUILD_INFO, (version("holdfast"),), 1.0)
        figures.set(UNSHIPPED, (), unshipped_seconds(self.prediction_log, self.epoch_seconds()))
        self._begin_at_zero(figures)
        return figures

    def _run(self) -> None:
        while not self._stopped.wait(KEEP_SECONDS):
            self._round()

    def _round(self) -> None:
        try:
            with self._turn:
                self._keep()
        except (HoldfastError, OSError) as error:
            if not self._failing:
                log.warning("metrics_not_kept", error=str(error))
            self._failing = True
        else:
            self._failing = False

    def _keep(self) -> None:
        self.snapshots.keep(self.replica.counters(), self.replica.now())

    def _begin_at_zero(self, figures: Figures) -> None:
        """Show what may be counted one day as 0, so that the first of it is seen as a rise."""
        figures.add(UNCOUNTED, (), [0.0])
        for served in self.replica.models.serving():
            model = served.plan.model
            figures.add(SHOWN, (model,), [0.0])
            for feature in dict.fromkeys(name for one in editions_of(served.definition) for name in one.vector):
                figures.add(MISSING, (model, feature), [0.0])
            shadow = served.plan.shadow
            for result in () if shadow is None else ("answered", "failed", "dropped"):
                figures.add(SHADOW_ROWS, (model, str(shadow and shadow.version), result), [0.0])
