"""Whoever waits, by priority: the most urgent first, but nobody for ever."""

from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

from lifecycle.priority import Priority

T = TypeVar("T")

TURN = 16
"""One turn in so many begins with the least urgent, as long as urgent ones leave them waiting."""


class PriorityQueues(Generic[T]):
    """First come, first served within a priority."""

    def __init__(self) -> None:
        self._queues: tuple[deque[T], ...] = tuple(deque() for _ in Priority)
        self._passed_over = 0

    def push(self, priority: Priority, one: T) -> None:
        """Let one wait."""
        self._queues[priority].append(one)

    def in_order(self) -> Sequence[deque[T]]:
        """Return the queues as they are served now: the most urgent first, and once in TURN turns the last first."""
        waiting = sum(map(bool, self._queues))
        self._passed_over = self._passed_over + 1 if waiting > 1 else 0
        if self._passed_over < TURN:
            return self._queues
        self._passed_over = 0
        return self._queues[::-1]

    def anybody_below(self, priority: Priority) -> bool:
        """Return whether somebody less urgent waits."""
        return any(self._queues[priority + 1 :])

    def pop_below(self, priority: Priority) -> T | None:
        """Return the newest of the least urgent, who waits no more; None when nobody is less urgent."""
        queue = next((queue for queue in reversed(self._queues[priority + 1 :]) if queue), None)
        return None if queue is None else queue.pop()

    def by_priority(self) -> tuple[int, ...]:
        """Return how many wait of each priority; on any thread."""
        return tuple(map(len, self._queues))
