"""What waits for a shadow: a bounded queue that a user's answer never waits for."""

from collections import deque

import pyarrow as pa


class Mirror:
    """Takes the champion's batches as they were logged; those that find it full are dropped and counted.

    `offer` may be called on several threads at once. It takes no lock, and wakes nobody: the keeper looks by itself.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[pa.RecordBatch] = deque()
        self._overflow: deque[int] = deque()
        self._closed = False

    def offer(self, batch: pa.RecordBatch) -> None:
        """Queue a batch of the log's schema; never blocks, never raises."""
        if self._closed:
            return
        if len(self._waiting) < self._limit:
            self._waiting.append(batch)
        else:
            self._overflow.append(batch.num_rows)

    def take(self) -> pa.RecordBatch | None:
        """Return the batch that has waited longest, or None."""
        return self._waiting.popleft() if self._waiting else None

    def take_overflow(self) -> int:
        """Return the rows dropped since the last call."""
        rows = 0
        while self._overflow:
            rows += self._overflow.popleft()
        return rows

    def clear(self) -> int:
        """Empty the queue and return its rows."""
        rows = 0
        while self._waiting:
            rows += self._waiting.popleft().num_rows
        return rows

    def close(self) -> None:
        """Take nothing more."""
        self._closed = True

    def waiting_rows(self) -> int:
        """Return the rows in the queue."""
        return sum(batch.num_rows for batch in tuple(self._waiting))
