"""The thread that takes jobs from the queue, has them answered on the event loop, and stores how they ended."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from lifecycle.errors import HoldfastError
from lifecycle.jobs_policy import JobsPolicy
from serving.jobs.answering import Answering
from serving.jobs.meter import JobMeter
from serving.jobs.queue import JobQueue
from serving.models import Models
from stores.ledger.failing import in_short
from stores.ledger.job_records import Claimed, Ending
from stores.ledger.jobs import Jobs

log = structlog.get_logger()

POLL_SECONDS = 1.0
TOGETHER = 64
"""Jobs that a worker holds at once."""
STORE_AGAIN_SECONDS = 0.5


@dataclass
class Worker:
    """Works on jobs until it is stopped; `ended` is told when some have ended, `now` is the machine's time.

    It looks every `poll_seconds`, and at once when the `bell` is set.

    Whatever stops it in the middle, the lease of the jobs it had ends, and another worker takes them.
    """

    queue: JobQueue
    jobs: Jobs
    models: Models
    answering: Answering
    meter: JobMeter
    ended: Callable[[], None]
    now: Callable[[], datetime]
    bell: threading.Event = field(default_factory=threading.Event)
    poll_seconds: float = POLL_SECONDS
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _away: bool = False

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Work in the background, on an event loop that runs."""
        self._thread = threading.Thread(target=self._run, args=(loop,), name="jobs-worker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End without waiting for the event loop, which may be what stops this."""
        self._stopped.set()
        self.bell.set()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._stopped.is_set():
            self.bell.clear()
            worked = False
            try:
                worked = self._round(loop)
                self._away = False
            except SQLAlchemyError as error:
                if not self._away:
                    log.warning("jobs_without_ledger", error=in_short(error))
                self._away = True
            except Exception:
                # This thread must outlive whatever one job does to it.
                log.exception("jobs_round_failed")
            if not worked:
                self.bell.wait(self.poll_seconds)

    def _round(self, loop: asyncio.AbstractEventLoop) -> bool:
        worked = False
        for served in self.models.serving():
            model, policy = served.plan.model, served.policy.jobs
            began = time.thread_time()
            claimed = self.queue.take(model, policy, TOGETHER)
            if claimed and not self._stopped.is_set():
                try:
                    self._work(loop, model, policy, claimed)
                finally:
                    self.queue.done(claimed)
                worked = True
            self.queue.tend(model, policy)
            if worked:
                # What this thread does with the ledger takes the interpreter from the answers, as scoring does.
                busy = time.thread_time() - began
                self._stopped.wait(busy * (1.0 / policy.time_share - 1.0))
        return worked

    def _work(
        self, loop: asyncio.AbstractEventLoop, model: str, policy: JobsPolicy, claimed: Sequence[Claimed]
    ) -> None:
        answering = asyncio.run_coroutine_threadsafe(self.answering.answer(model, claimed), loop)
        try:
            endings = answering.result(policy.lease_seconds)
        except (TimeoutError, CancelledError, HoldfastError) as error:
            answering.cancel()
            log.warning("jobs_left_to_others", model=model, jobs=len(claimed), error=str(error) or type(error).__name__)
            return
        stored = self._store(endings)
        for ending in endings:
            if ending.job_id in stored:
                self.meter.ended(model, ending.state)
        self.ended()

    def _store(self, endings: Sequence[Ending]) -> frozenset[str]:
        try:
            return self.jobs.end(endings, self.now())
        except SQLAlchemyError as error:
            # Once more for a ledger that was away for a moment; then the leases end, and the work is done again.
            log.warning("jobs_not_stored", jobs=len(endings), error=in_short(error))
            self._stopped.wait(STORE_AGAIN_SECONDS)
            return self.jobs.end(endings, self.now())
