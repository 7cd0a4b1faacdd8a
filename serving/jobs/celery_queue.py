"""Jobs handed out by Celery: the ledger keeps them, the broker says whose turn it is.

What the broker knows may be lost, doubled or late. Every job that is due is offered to it, and is due again a while
later unless somebody has dealt with it by then; who may work on a job is still the ledger's word.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from lifecycle.errors import Unavailable
from lifecycle.jobs_policy import JobsPolicy
from stores.ledger.job_records import Claimed, NewJob
from stores.ledger.jobs import Jobs

log = structlog.get_logger()

OFFER_AGAIN_SECONDS = 60.0
"""A job that the broker lost is found after so long."""
OFFERED_TOGETHER = 200
Send = Callable[[str, str, int], None]
"""Hands model, id and priority of a job to the broker; raises Unavailable when it is away."""


@dataclass
class CeleryQueue:
    """This replica's end of Celery: `send` offers jobs, and `put` brings those that it is to work on.

    `wake` has this replica's worker look at once.
    """

    jobs: Jobs
    holder: str
    now: Callable[[], datetime]
    wake: Callable[[], None]
    send: Send
    _inbox: dict[str, deque[tuple[str, Future[None]]]] = field(default_factory=lambda: defaultdict(deque))
    _held: dict[str, Future[None]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _away: bool = False

    def put(self, model: str, job_id: str) -> Future[None]:
        """Take a job that Celery hands out; the future is done when this replica has dealt with it."""
        dealt_with: Future[None] = Future()
        with self._lock:
            self._inbox[model].append((job_id, dealt_with))
        self.wake()
        return dealt_with

    def offer(self, jobs: Sequence[NewJob]) -> None:
        """Have the worker here look, which offers what is due."""
        if jobs:
            self.wake()

    def take(self, model: str, policy: JobsPolicy, limit: int) -> Sequence[Claimed]:
        """Return jobs that Celery has brought and that nobody else has, or has ended."""
        with self._lock:
            inbox = self._inbox[model]
            came: dict[str, Future[None]] = {}
            twice: list[Future[None]] = []
            while inbox and len(came) < limit:
                job_id, dealt_with = inbox.popleft()
                if came.setdefault(job_id, dealt_with) is not dealt_with:
                    twice.append(dealt_with)
        _settle(twice)
        if not came:
            return ()
        try:
            claimed = self.jobs.claim(
                model,
                holder=self.holder,
                lease_seconds=policy.lease_seconds,
                limit=len(came),
                now=self.now(),
                only=tuple(came),
            )
        except Exception:
            # Celery is told that they are dealt with; the ledger has them offered again.
            _settle(came.values())
            raise
        with self._lock:
            self._held |= {job.job_id: came.pop(job.job_id) for job in claimed}
        _settle(came.values())
        return claimed

    def done(self, jobs: Sequence[Claimed]) -> None:
        """Tell Celery; what was put back is offered again when it is due."""
        with self._lock:
            dealt_with = [self._held.pop(job.job_id) for job in jobs]
        _settle(dealt_with)

    def tend(self, model: str, policy: JobsPolicy) -> None:  # noqa: ARG002 - the signature of every queue
        """Offer everything that is due: new jobs, those that were put back, and those of workers that died."""
        now = self.now()
        again = now + timedelta(seconds=OFFER_AGAIN_SECONDS)
        while due := self.jobs.hand_out(model, now, again, OFFERED_TOGETHER):
            try:
                for job_id, priority in due:
                    self.send(model, job_id, priority)
            except Unavailable as error:
                if not self._away:
                    log.warning("jobs_without_broker", error=str(error))
                self._away = True
                return
            self._away = False


def _settle(futures: Iterable[Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
