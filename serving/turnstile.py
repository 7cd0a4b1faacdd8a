"""Requests that wait to be read: only so many are decoded ahead as the next batches take.

Decoding keeps the event loop busy. A crowd of large requests that were all decoded as they came would keep an urgent
one waiting for every one of them, however soon its own batch is due.
"""

import asyncio
from collections.abc import Sequence

from lifecycle.priority import Priority
from serving.priority_queues import PriorityQueues
from serving.waiting_asks import WaitingAsks, overloaded


class Turnstile:
    """Lets in requests while fewer than `enough_rows` rows wait behind it; interactive ones always.

    Who cannot pass waits here, the most urgent first and once in a while the least urgent. Together with those behind
    it at most `most` wait.
    """

    def __init__(self, behind: WaitingAsks, enough_rows: int, most: int) -> None:
        self._behind = behind
        self._enough_rows = enough_rows
        self._most = most
        self._queues: PriorityQueues[asyncio.Future[None]] = PriorityQueues()
        self._entering = 0
        self.count = 0

    def is_open(self, priority: Priority) -> bool:
        """Return whether a request can be read now."""
        return priority is Priority.INTERACTIVE or (not self.count and self._behind.rows < self._enough_rows)

    def is_closed_to(self, priority: Priority) -> bool:
        """Return whether a request would be refused now."""
        if self.is_open(priority):
            return self._behind.is_closed_to(priority)
        return self.count + self._behind.count >= self._most and not self._queues.anybody_below(priority)

    async def wait(self, priority: Priority) -> None:
        """Return when it is the turn of a request; `leave` must follow once it has been read, or was not.

        Raises Refused with 503 and Retry-After when too many wait, now or later.
        """
        if self.count + self._behind.count >= self._most:
            self._make_room(priority)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.push(priority, turn)
        self.count += 1
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                # Its turn had come already, and goes to the next.
                self.leave()
            raise

    def leave(self) -> None:
        """Say that one whose turn it was needs no more of it."""
        self._entering -= 1
        self.let_in()

    def let_in(self) -> None:
        """Let in as many as the next batches will take."""
        while self.count and self._behind.rows + self._entering * self._behind.rows_per_ask < self._enough_rows:
            turn = next(queue for queue in self._queues.in_order() if queue).popleft()
            self.count -= 1
            if not turn.done():
                self._entering += 1
                turn.set_result(None)

    def by_priority(self) -> Sequence[int]:
        """Return how many wait of each priority; on any thread."""
        return self._queues.by_priority()

    def _make_room(self, priority: Priority) -> None:
        shed = self._queues.pop_below(priority)
        if shed is None:
            raise overloaded(self._most)
        self.count -= 1
        if not shed.done():
            shed.set_exception(overloaded(self._most))
