"""The ledger's figures, read at most every few seconds, and never waited for longer than a scrape can bear."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillReading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from serving.metrics.figures import Figures
from serving.metrics.jobs import tell_jobs
from serving.metrics.loop_families import CLOCK_REPLAYED, WATERMARK_LAG
from serving.metrics.planned import tell_plan, tell_replicas
from serving.metrics.reviewed import tell_reviews
from serving.metrics.watched import tell_alarms, tell_look, tell_quality
from stores.ledger.alarms import Alarms
from stores.ledger.arms import Arms
from stores.ledger.failing import in_short
from stores.ledger.job_lists import JobLists
from stores.ledger.looks import Looks
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress
from stores.ledger.quality import QualityRecords
from stores.ledger.review_figures import review_figures

log = structlog.get_logger()

FRESH_SECONDS = 5.0
PATIENCE_SECONDS = 3.0
"""Prometheus gives a scrape 10 seconds by default; a ledger that takes longer than this counts as away."""
LIVE = timedelta(seconds=15)
"""Replicas report every few seconds; one that has been silent for longer is gone."""
FLOWS = ("ingest", "materialize", "supervise")
"""Those that keep a watermark for each model."""


def read_ledger(engine: Engine) -> Figures:
    """Return the figures of every model that has a plan; raises SQLAlchemyError."""
    figures = Figures()
    progress = Progress(engine)
    replayed = progress.replay_at()
    now = replayed or datetime.now(UTC)
    figures.set(CLOCK_REPLAYED, (), float(replayed is not None))
    lists = JobLists(engine)
    for model in Plans(engine).models():
        tell_jobs(figures, model, lists.standing(model), datetime.now(UTC))
        plan = Plans(engine).current(model)
        tell_plan(figures, plan)
        tell_replicas(figures, plan, Arms(engine).since(model, datetime.now(UTC) - LIVE))
        tell_alarms(figures, model, Alarms(engine).standing(model))
        for look in Looks(engine).newest(model):
            tell_look(figures, look, now)
        tell_quality(figures, QualityRecords(engine).newest(model))
        tell_reviews(figures, model, review_figures(engine, model, datetime.now(UTC)))
        for flow in FLOWS:
            reached = progress.watermark(f"{flow}:{model}")
            if reached is not None:
                figures.set(WATERMARK_LAG, (model, flow), max(0.0, (now - reached).total_seconds()))
    return figures


@dataclass
class LedgerFigures:
    """Keeps what `read` last returned, for FRESH_SECONDS; reading runs on a thread that a slow ledger may hold."""

    read: Callable[[], Figures]
    monotonic: Callable[[], float] = time.monotonic
    patience_seconds: float = PATIENCE_SECONDS
    _known: Figures | None = None
    _known_at: float = 0.0
    _reading: Future[Figures] | None = None
    _away: bool = False
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "metrics-ledger"))

    def figures(self) -> Figures | None:
        """Return the ledger's figures, None while it is away; called on one thread at a time."""
        if self._known is not None and self.monotonic() - self._known_at < FRESH_SECONDS:
            return self._known
        if self._reading is None:
            self._reading = self._thread.submit(self.read)
        try:
            self._known = self._reading.result(self.patience_seconds)
        except StillReading:
            self._known = None
            self._notice("it took longer than a scrape can wait")
            return None
        except (SQLAlchemyError, OSError) as error:
            self._known = None
            self._notice(in_short(error))
        else:
            self._known_at = self.monotonic()
            self._away = False
        self._reading = None
        return self._known

    def close(self) -> None:
        """Let go of the thread; what it reads is no longer waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _notice(self, error: str) -> None:
        if not self._away:
            log.warning("metrics_without_ledger", error=error)
        self._away = True
