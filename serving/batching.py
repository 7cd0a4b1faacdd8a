"""Micro-batching: requests that arrive together are answered together.

Ray's `@serve.batch` refuses a request with more rows than a batch holds and costs a task per batch; this
one runs the batch on the event loop itself, whose next turn gathers whatever arrived meanwhile.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias

from serving.answer import Answer, Ask
from serving.problem import RETRY_AFTER_SECONDS, refused

QUIET_TURNS = 2
"""Turns of the event loop without a new ask that end the gathering of a batch; a turn is some microseconds."""

Batch: TypeAlias = Sequence[tuple[Ask, asyncio.Future[Answer]]]
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
    batch is full. At most `max_waiting` asks wait.
    """

    def __init__(
        self,
        run: Callable[[Batch, Release], None],
        max_rows: int,
        max_added_wait_seconds: float,
        max_waiting: int,
    ) -> None:
        self._hand_over = run
        self._max_rows = max_rows
        self._max_added_wait_seconds = max_added_wait_seconds
        self._max_waiting = max_waiting
        self._waiting: deque[tuple[Ask, asyncio.Future[Answer]]] = deque()
        self._rows_waiting = 0
        self._next: asyncio.Handle | None = None
        self._running = False
        self._seen = 0
        self._quiet_turns = 0

    def submit(self, ask: Ask) -> asyncio.Future[Answer]:
        """Return the answer to come; raises Refused with 503 and Retry-After when too many asks wait.

        A caller that goes away cancels its future; a batch it already is in runs on without it.
        """
        if len(self._waiting) >= self._max_waiting:
            detail = f"{len(self._waiting)} requests wait, which is the limit; try again in {RETRY_AFTER_SECONDS} s."
            raise refused(503, "overloaded", detail, retry_after=RETRY_AFTER_SECONDS)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((ask, future))
        self._rows_waiting += len(ask.rows)
        if self._running:
            pass
        elif self._next is None:
            self._begin(loop)
        elif self._max_added_wait_seconds and self._rows_waiting - len(ask.rows) < self._max_rows <= self._rows_waiting:
            self._next.cancel()
            self._next = loop.call_soon(self._run)
        return future

    def waiting(self) -> int:
        """Return how many asks wait; on any thread."""
        return len(self._waiting)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open the gathering of a batch."""
        self._seen = self._quiet_turns = 0
        if self._rows_waiting >= self._max_rows:
            self._next = loop.call_soon(self._run)
        elif self._max_added_wait_seconds:
            self._next = loop.call_later(self._max_added_wait_seconds, self._run)
        else:
            self._next = loop.call_soon(self._gather)

    def _gather(self) -> None:
        """Run the batch once it is full or a few turns have brought nothing new."""
        came, self._seen = len(self._waiting) - self._seen, len(self._waiting)
        self._quiet_turns = 0 if came else self._quiet_turns + 1
        if self._rows_waiting >= self._max_rows or self._quiet_turns >= QUIET_TURNS:
            self._run()
        else:
            self._next = asyncio.get_running_loop().call_soon(self._gather)

    def _run(self) -> None:
        self._next = None
        batch = self._take()
        if batch:
            self._running = True
            self._hand_over(batch, self._release)

    def _release(self) -> None:
        self._running = False
        if self._waiting and self._next is None:
            # The event loop gets its turns between batches, so that health checks and answers pass.
            self._begin(asyncio.get_running_loop())

    def _take(self) -> Batch:
        batch: list[tuple[Ask, asyncio.Future[Answer]]] = []
        rows = 0
        while self._waiting:
            ask, future = self._waiting[0]
            if batch and rows + len(ask.rows) > self._max_rows:
                break
            self._waiting.popleft()
            self._rows_waiting -= len(ask.rows)
            if not future.done():
                rows += len(ask.rows)
                batch.append((ask, future))
        return batch


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
