"""Names for predictions: unique everywhere, and in the order they were given."""

import secrets
from collections.abc import Callable


class PredictionIds:
    """Gives ids of 32 hex digits: 12 of milliseconds, 12 of this process's random run, 8 of a counter.

    They sort by time, then by order within the process, and cost no system call per row. The rows of a request with
    an idempotency key are named otherwise; see stores/prediction_log/claimed.py.
    `epoch_seconds` is the clock.
    """

    def __init__(self, epoch_seconds: Callable[[], float]) -> None:
        self._epoch_seconds = epoch_seconds
        self._run = secrets.token_hex(6)
        self._latest_ms = 0
        self._counter = 0

    def take(self, count: int) -> list[str]:
        """Return the next `count` ids."""
        # A clock that was set back must not break the order, nor a counter that wraps the uniqueness.
        self._latest_ms = max(self._latest_ms, int(self._epoch_seconds() * 1000))
        first = self._counter
        self._counter += count
        prefix = f"{self._latest_ms:012x}{self._run}"
        return [f"{prefix}{number & 0xFFFFFFFF:08x}" for number in range(first, self._counter)]
