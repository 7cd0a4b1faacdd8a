"""Asks that wait for a micro-batch: a bounded queue in which the most urgent go first."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeAlias

from lifecycle.priority import Priority
from serving.answer import Answer, Ask
from serving.priority_queues import PriorityQueues
from serving.problem import RETRY_AFTER_SECONDS, Refused, refused

Waiting: TypeAlias = tuple[Ask, asyncio.Future[Answer]]
"""An ask with the answer that its caller waits for."""

BACKFILL_RETRY_SECONDS = 5
OVERLOADED = "overloaded"
JOIN_SECONDS = 0.1
"""An ask older by so much shares no batch with another priority, whose deadline it would bring nearer."""


class WaitingAsks:
    """At most `most` asks, first come first served within a priority.

    When it is full, a more urgent ask takes the place of the newest of the least urgent. An ask of the lowest
    priority that has waited `backfill_patience_seconds` is refused: nobody waits for it, so a later try is worth more
    than an answer from a lower tier. `monotonic` is the clock of `Ask.submitted`; `rows_per_ask` is the
    last batch's.
    """

    def __init__(
        self, most: int, backfill_patience_seconds: float, monotonic: Callable[[], float] = time.perf_counter
    ) -> None:
        self._most = most
        self._patience_seconds = backfill_patience_seconds
        self._monotonic = monotonic
        self._queues: PriorityQueues[Waiting] = PriorityQueues()
        self.rows = 0
        self.count = 0
        self.rows_per_ask = 1.0

    def is_closed_to(self, priority: Priority) -> bool:
        """Return whether an ask would be refused now."""
        return self.count >= self._most and not self._queues.anybody_below(priority)

    def push(self, ask: Ask, future: asyncio.Future[Answer]) -> None:
        """Let an ask wait; raises Refused with 503 and Retry-After when everybody who waits is as urgent."""
        priority = ask.caller.priority
        if self.count >= self._most:
            self._make_room(priority)
        self._queues.push(priority, (ask, future))
        self.rows += len(ask.rows)
        self.count += 1

    def by_priority(self) -> tuple[int, ...]:
        """Return how many wait of each priority; on any thread."""
        return self._queues.by_priority()

    def take(self, max_rows: int) -> list[Waiting]:
        """Return the next batch, without asks whose callers went away: at most `max_rows` rows, or one larger ask."""
        batch: list[Waiting] = []
        rows = 0
        for queue in self._queues.in_order():
            while queue:
                ask, future = queue[0]
                if batch and (rows + len(ask.rows) > max_rows or _keeps_apart(batch[0][0], ask)):
                    break
                queue.popleft()
                self._forget(ask)
                if not future.done() and not self._turned_away(ask, future):
                    rows += len(ask.rows)
                    batch.append((ask, future))
        if batch:
            self.rows_per_ask = rows / len(batch)
        return batch

    def _make_room(self, priority: Priority) -> None:
        shed = self._queues.pop_below(priority)
        if shed is None:
            raise overloaded(self._most)
        ask, future = shed
        self._forget(ask)
        if not future.done():
            future.set_exception(overloaded(self._most))

    def _turned_away(self, ask: Ask, future: asyncio.Future[Answer]) -> bool:
        if ask.caller.priority is not Priority.BACKFILL:
            return False
        waited = self._monotonic() - ask.submitted
        if waited <= self._patience_seconds:
            return False
        detail = (
            f"More urgent requests kept this one waiting for {waited:.1f} s; a backfill waits at most "
            f"{self._patience_seconds:g} s. Try again in {BACKFILL_RETRY_SECONDS} s."
        )
        future.set_exception(refused(503, OVERLOADED, detail, retry_after=BACKFILL_RETRY_SECONDS))
        return True

    def _forget(self, ask: Ask) -> None:
        self.rows -= len(ask.rows)
        self.count -= 1


def overloaded(most: int) -> Refused:
    """Return the refusal of an ask for which there is no room."""
    detail = (
        f"{most} requests wait, which is the limit, and none of them is less urgent; "
        f"try again in {RETRY_AFTER_SECONDS} s."
    )
    return refused(503, OVERLOADED, detail, retry_after=RETRY_AFTER_SECONDS)


def _keeps_apart(first: Ask, ask: Ask) -> bool:
    return ask.caller.priority is not first.caller.priority and abs(ask.submitted - first.submitted) > JOIN_SECONDS
