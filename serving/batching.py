"""Micro-batching: requests that arrive together are answered together.

Ray's `@serve.batch` refuses a request with more rows than a batch holds and costs a task per batch; this
one runs the batch on the event loop itself, whose next turn gathers whatever arrived meanwhile.
"""

import asyncio
from collections.abc import Callable, Sequence
from math import inf
from typing import TypeAlias

from lifecycle.priority import Priority
from serving.answer import Answer, Ask
from serving.turnstile import Turnstile
from serving.waiting_asks import Waiting, WaitingAsks, overloaded

BATCHES_AHEAD = 2
"""How many batches of less urgent requests are decoded ahead."""
QUIET_TURNS = 2
"""Turns of the event loop without a new ask that end the gathering of a batch; a turn is some microseconds."""

Batch: TypeAlias = Sequence[Waiting]
"""Asks with the answers that their callers wait for."""
Release: TypeAlias = Callable[[], None]
"""To be called once, on the event loop, when the next batch may come."""


def nothing() -> None:
    """Release nobody."""


class MicroBatcher:
    """Gathers asks and hands them to `run` in batches of at most `max_rows` rows, or one larger ask.

    `run` settles every future, now or later, and does not raise. The next batch is gathered until it has called the
    batch's release, so that asks wait here, where they are counted, and go on together.

    With `max_added_wait_seconds` 0 nobody waits idly: a batch is full, or it is what had come when the event loop had
    nothing left to take in for QUIET_TURNS turns. Otherwise the first ask of a batch waits that long, less when the
    batch is full. At most `max_waiting` asks wait, and the most urgent go first; see serving/waiting_asks.py.
    """

    def __init__(
        self,
        run: Callable[[Batch, Release], None],
        max_rows: int,
        max_added_wait_seconds: float,
        max_waiting: int,
        backfill_patience_seconds: float = inf,
    ) -> None:
        self._hand_over = run
        self._max_rows = max_rows
        self._max_added_wait_seconds = max_added_wait_seconds
        self._max_waiting = max_waiting
        self._waiting = WaitingAsks(max_waiting, backfill_patience_seconds)
        self.turnstile = Turnstile(self._waiting, BATCHES_AHEAD * max_rows, max_waiting)
        self._next: asyncio.Handle | None = None
        self._running = False
        self._seen = 0
        self._quiet_turns = 0

    def submit(self, ask: Ask) -> asyncio.Future[Answer]:
        """Return the answer to come; raises Refused with 503 and Retry-After when too many asks wait.

        The answer itself is that refusal when a more urgent ask takes the place of this one. A caller that goes away
        cancels its future; a batch it already is in runs on without it.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        waiting = self._waiting
        waiting.push(ask, future)
        if self._running:
            pass
        elif self._next is None:
            self._begin(loop)
        elif self._max_added_wait_seconds and waiting.rows - len(ask.rows) < self._max_rows <= waiting.rows:
            self._next.cancel()
            self._next = loop.call_soon(self._run)
        return future

    def require_room(self, priority: Priority) -> None:
        """Raise Refused with 503 and Retry-After when an ask would be refused now, before anybody reads it."""
        if self.turnstile.is_closed_to(priority):
            raise overloaded(self._max_waiting)

    def waiting(self) -> int:
        """Return how many asks wait, read or not; on any thread."""
        return self._waiting.count + self.turnstile.count

    def waiting_by_priority(self) -> Sequence[int]:
        """Return how many asks wait of each priority, read or not; on any thread."""
        return [sum(counts) for counts in zip(self._waiting.by_priority(), self.turnstile.by_priority(), strict=True)]

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open the gathering of a batch."""
        self._seen = self._quiet_turns = 0
        if self._waiting.rows >= self._max_rows:
            self._next = loop.call_soon(self._run_after_answers)
        elif self._max_added_wait_seconds:
            self._next = loop.call_later(self._max_added_wait_seconds, self._run)
        else:
            self._next = loop.call_soon(self._gather)

    def _gather(self) -> None:
        """Run the batch once it is full or a few turns have brought nothing new."""
        came, self._seen = self._waiting.count - self._seen, self._waiting.count
        self._quiet_turns = 0 if came else self._quiet_turns + 1
        if self._waiting.rows >= self._max_rows or self._quiet_turns >= QUIET_TURNS:
            self._run()
        else:
            self._next = asyncio.get_running_loop().call_soon(self._gather)

    def _run_after_answers(self) -> None:
        """Run the batch a turn later: in this one the answers before it are written, and then they leave."""
        self._next = asyncio.get_running_loop().call_soon(self._run)

    def _run(self) -> None:
        self._next = None
        batch = self._waiting.take(self._max_rows)
        self.turnstile.let_in()
        if batch:
            self._running = True
            self._hand_over(batch, self._release)
        elif self._waiting.count:
            self._begin(asyncio.get_running_loop())

    def _release(self) -> None:
        self._running = False
        if self._waiting.count and self._next is None:
            # The event loop gets its turns between batches, so that health checks and answers pass.
            self._begin(asyncio.get_running_loop())


def settle(batch: Batch, answers: Sequence[Answer]) -> None:
    """Give every caller that still waits its answer."""
    for (_, future), answer in zip(batch, answers, strict=True):
        if not future.done():
            future.set_result(answer)


def tell(batch: Batch, error: Exception) -> None:
    """Give every caller that still waits the error."""
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
