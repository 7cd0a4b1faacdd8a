"""The thread that tells webhooks that jobs have ended, many at once, each until it is taken or given up."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import numpy as np
import structlog
from sqlalchemy.exc import SQLAlchemyError

from lifecycle.jobs import DeliveryState, retry_seconds
from lifecycle.jobs_policy import WebhookPolicy
from serving.jobs.meter import PUT_BACK, JobMeter
from serving.jobs.sending import NotTaken, Sender, open_client
from serving.models import Models
from stores.ledger.deliveries import Deliveries
from stores.ledger.failing import in_short
from stores.ledger.job_records import Sent, ToSend

log = structlog.get_logger()

AT_ONCE = 64
AT_ONCE_TO_ONE_HOST = 32
"""A receiver that hangs holds up half of the messages to others at most."""
LATER_SECONDS = 1.0
POLL_SECONDS = 1.0
GATHER_SECONDS = 0.02
"""Messages that are taken within this time are stored together."""
LEASE_EXTRA_SECONDS = 10.0
"""Beyond the time that a receiver has: how long a worker may take to store what became of a message."""


@dataclass
class Delivering:
    """Delivers messages of the models that stand here; `sender_of` makes the sender on the thread's event loop.

    At least once: a worker that dies between the receiver's word and the ledger's leaves a message to be sent again,
    under the same id.
    """

    deliveries: Deliveries
    models: Models
    sender_of: Callable[..., Sender]
    meter: JobMeter
    now: Callable[[], datetime]
    rng: np.random.Generator
    poll_seconds: float = POLL_SECONDS
    _stopped: threading.Event = field(default_factory=threading.Event)
    _wake: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Deliver in the background."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="jobs-delivering", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Have it look at once; from any thread."""
        self._wake.set()

    def stop(self) -> None:
        """End; messages under way are left to their leases unless they are taken within a second."""
        self._stopped.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    async def _run(self) -> None:
        async with open_client(AT_ONCE) as client:
            sender = self.sender_of(client)
            sending: set[asyncio.Task[Sent]] = set()
            unsettled: list[Sent] = []
            away = False
            while not self._stopped.is_set():
                self._wake.clear()
                try:
                    if unsettled:
                        await asyncio.to_thread(self.deliveries.settle, unsettled, self.now())
                        unsettled = []
                    for one in await asyncio.to_thread(self._claim, AT_ONCE - len(sending)):
                        sending.add(self._begin(one, sender, sending))
                    away = False
                except SQLAlchemyError as error:
                    if not away:
                        log.warning("deliveries_without_ledger", error=in_short(error))
                    away = True
                    await asyncio.sleep(self.poll_seconds)
                if not sending:
                    await asyncio.to_thread(self._wake.wait, self.poll_seconds)
                    continue
                await asyncio.wait(sending, timeout=self.poll_seconds, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.sleep(GATHER_SECONDS)
                unsettled += _results({task for task in sending if task.done()})
                sending = {task for task in sending if not task.done()}
            await self._end(sending, unsettled)

    def _claim(self, room: int) -> list[tuple[ToSend, WebhookPolicy]]:
        found: list[tuple[ToSend, WebhookPolicy]] = []
        for served in self.models.serving():
            policy = served.policy.jobs.webhook
            if room > len(found):
                lease = policy.timeout_seconds + LEASE_EXTRA_SECONDS
                claimed = self.deliveries.claim(
                    served.plan.model, lease_seconds=lease, limit=room - len(found), now=self.now()
                )
                found += [(one, policy) for one in claimed]
        return found

    def _begin(
        self, claimed: tuple[ToSend, WebhookPolicy], sender: Sender, sending: set[asyncio.Task[Sent]]
    ) -> asyncio.Task[Sent]:
        one, policy = claimed
        host = urlsplit(one.delivery.url).netloc
        under_way = Counter(task.get_name() for task in sending)
        work = self._later(one) if under_way[host] >= AT_ONCE_TO_ONE_HOST else self._send(one, policy, sender)
        return asyncio.create_task(work, name=host)

    async def _later(self, one: ToSend) -> Sent:
        due_at = self.now() + timedelta(seconds=LATER_SECONDS)
        return Sent(one.delivery.job_id, one.token, DeliveryState.WAITING, due_at=due_at, used=False)

    async def _send(self, one: ToSend, policy: WebhookPolicy, sender: Sender) -> Sent:
        delivery = one.delivery
        try:
            await sender.send(one, policy.timeout_seconds)
        except NotTaken as error:
            return self._not_taken(one, policy, error)
        self.meter.delivered(delivery.model, DeliveryState.DELIVERED)
        return Sent(delivery.job_id, one.token, DeliveryState.DELIVERED)

    def _not_taken(self, one: ToSend, policy: WebhookPolicy, error: NotTaken) -> Sent:
        delivery = one.delivery
        if error.final or delivery.attempts >= policy.attempts:
            log.warning("delivery_dead", job=delivery.job_id, attempts=delivery.attempts, error=str(error))
            self.meter.delivered(delivery.model, DeliveryState.DEAD)
            return Sent(delivery.job_id, one.token, DeliveryState.DEAD, error=str(error))
        pause = retry_seconds(delivery.attempts, policy.first_retry_seconds, policy.longest_retry_seconds, self.rng)
        self.meter.delivered(delivery.model, PUT_BACK)
        due_at = self.now() + timedelta(seconds=pause)
        return Sent(delivery.job_id, one.token, DeliveryState.WAITING, error=str(error), due_at=due_at)

    async def _end(self, sending: set[asyncio.Task[Sent]], unsettled: list[Sent]) -> None:
        done: set[asyncio.Task[Sent]] = set()
        if sending:
            done, late = await asyncio.wait(sending, timeout=self.poll_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        unsettled = unsettled + _results(done)
        if unsettled:
            try:
                await asyncio.to_thread(self.deliveries.settle, unsettled, self.now())
            except SQLAlchemyError as error:
                log.warning("deliveries_without_ledger", error=in_short(error))


def _results(done: set[asyncio.Task[Sent]]) -> list[Sent]:
    settled: list[Sent] = []
    for task in done:
        error = task.exception()
        if error is None:
            settled.append(task.result())
        else:
            # Its lease ends, and it is sent again.
            log.error("delivery_failed", error=str(error), exc_info=error)
    return settled
