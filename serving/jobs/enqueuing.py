"""Jobs on their way into the ledger: those that come together are stored in one transaction, on a thread."""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from lifecycle.errors import Unavailable
from serving.problem import RETRY_AFTER_SECONDS, refused
from stores.ledger.failing import in_short
from stores.ledger.job_records import NewJob
from stores.ledger.jobs import Jobs

TOGETHER = 200
"""Jobs of one transaction at most."""
LEDGER_SECONDS = 5.0
"""How long a caller waits for the ledger."""
LONGEST_LINE = 5000
"""Jobs that may wait for a ledger that is slow; more are refused at once."""


def late() -> Unavailable:
    """Return the error for a ledger that does not come back in time."""
    return Unavailable(
        f"the ledger did not answer within {LEDGER_SECONDS:g} s, and it holds the jobs; send the request again, with "
        "an Idempotency-Key if it must leave one job at most"
    )


@dataclass(frozen=True, slots=True)
class _Waiting:
    job: NewJob
    most_waiting: int
    stored: Future[bool]


@dataclass
class Enqueuing:
    """Stores jobs; `offered` is told of each that was, on the thread."""

    jobs: Jobs
    offered: Callable[[list[NewJob]], None]
    _line: queue.Queue[_Waiting | None] = field(default_factory=lambda: queue.Queue(LONGEST_LINE))
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Store in the background."""
        self._thread = threading.Thread(target=self._run, name="jobs-enqueuing", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Store what is in line, and end."""
        if self._thread is not None:
            self._line.put(None)
            self._thread.join()

    async def put(self, job: NewJob, most_waiting: int) -> None:
        """Return once a job is stored.

        Raises Refused with 503 when `most_waiting` jobs of its model are open, Unavailable when the ledger is away. One
        that was being stored just then may be there all the same.
        """
        waiting = _Waiting(job, most_waiting, Future())
        try:
            self._line.put_nowait(waiting)
        except queue.Full:
            raise Unavailable(f"{LONGEST_LINE} jobs wait for the ledger already; try again later") from None
        try:
            stored = await asyncio.wait_for(asyncio.wrap_future(waiting.stored), LEDGER_SECONDS)
        except TimeoutError as error:
            raise late() from error
        if not stored:
            detail = f"{most_waiting} jobs of {job.model} are open, which is the limit; wait for some of them to end."
            raise refused(503, "too-many-jobs", detail, retry_after=RETRY_AFTER_SECONDS)

    def _run(self) -> None:
        while (first := self._line.get()) is not None:
            together = [first]
            ending = False
            while len(together) < TOGETHER:
                try:
                    following = self._line.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    ending = True
                    break
                together.append(following)
            self._store(together)
            if ending:
                return

    def _store(self, together: list[_Waiting]) -> None:
        wanted = [one for one in together if one.stored.set_running_or_notify_cancel()]
        if not wanted:
            return
        limits = {one.job.model: one.most_waiting for one in wanted}
        try:
            stored = self.jobs.enqueue([one.job for one in wanted], limits)
        except SQLAlchemyError as error:
            told = Unavailable(f"the ledger cannot be reached ({in_short(error)}); check HOLDFAST_LEDGER_URL")
            for one in wanted:
                one.stored.set_exception(told)
            return
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
            for one in wanted:
                one.stored.set_exception(error)
            return
        # Offered first, so that whoever is told that its job is stored finds it on its way.
        self.offered([one.job for one in wanted if one.job.job_id in stored])
        for one in wanted:
            one.stored.set_result(one.job.job_id in stored)
