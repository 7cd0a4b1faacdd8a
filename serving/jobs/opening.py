"""Everything about jobs in one gateway replica, put together."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from sqlalchemy import Engine

from serving.jobs.answering import Answering
from serving.jobs.broker import broker_address, open_send
from serving.jobs.celery_queue import CeleryQueue
from serving.jobs.delivering import Delivering
from serving.jobs.desk import JobDesk
from serving.jobs.enqueuing import Enqueuing
from serving.jobs.meter import JobMeter
from serving.jobs.queue import LedgerQueue
from serving.jobs.sending import Sender
from serving.jobs.worker import Worker
from serving.models import Models
from stores.clock import SystemClock
from stores.ledger.deliveries import Deliveries
from stores.ledger.jobs import Jobs
from stores.ledger.reviews import Reviews
from stores.settings import Settings
from stores.signing_secret import master_secrets


@dataclass(frozen=True)
class JobParts:
    """A replica's part in jobs: the desk for callers, and the threads behind it."""

    desk: JobDesk
    queue: LedgerQueue | CeleryQueue
    worker: Worker
    delivering: Delivering
    meter: JobMeter

    def start(self) -> None:
        """Begin to take, answer and deliver; called on the event loop that answers."""
        self.desk.enqueuing.start()
        self.worker.start(asyncio.get_running_loop())
        self.delivering.start()

    async def take(self, model: str, job_id: str) -> None:
        """Return once this replica has dealt with a job that Celery hands out; nothing else hands out jobs here."""
        if isinstance(self.queue, CeleryQueue):
            await asyncio.wrap_future(self.queue.put(model, job_id))

    def stop(self) -> None:
        """End; whatever is under way is taken up by others once its lease has ended."""
        self.worker.stop()
        self.desk.enqueuing.stop()
        self.delivering.stop()


def open_jobs(
    chosen: Settings,
    engine: Engine,
    replica: str,
    models: Models,
    *,
    stopped: Callable[[str, str], bool],
) -> JobParts:
    """Return a replica's part in jobs; `stopped` says whether a version's answers are stopped here.

    Raises SettingInvalid.
    """
    now, rng = SystemClock().now, np.random.default_rng()
    jobs, deliveries, meter = Jobs(engine), Deliveries(engine), JobMeter()
    masters = master_secrets(chosen)
    sender_of = partial(Sender, masters=masters, allow_private=chosen.webhook_allow_private)
    delivering = Delivering(deliveries, models, sender_of, meter, now, rng)
    bell = threading.Event()
    queue: LedgerQueue | CeleryQueue = LedgerQueue(jobs, replica, now, bell.set)
    if chosen.jobs == "celery":
        queue = CeleryQueue(jobs, replica, now, bell.set, open_send(broker_address(chosen)))
    worker = Worker(
        queue,
        jobs,
        models,
        Answering(models, stopped, now, rng, Reviews(engine).answer_of),
        meter,
        delivering.wake,
        now,
        bell,
    )
    desk = JobDesk(models, Enqueuing(jobs, queue.offer), jobs, deliveries, chosen.webhook_allow_private, now)
    return JobParts(desk, queue, worker, delivering, meter)
