"""The pulse of the event loop: how other threads see that nobody is answered."""

import asyncio
import time
from collections.abc import Callable

BEAT_SECONDS = 0.25
STILL_SECONDS = 1.0
"""An event loop that has had no turn for so long answers nobody; a busy one is late by milliseconds."""


class Pulse:
    """Beats on the event loop from `start` to `stop`; everything else may be asked on any thread.

    `monotonic` is in seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._beat_at: float | None = None
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to beat; to be called on the event loop."""
        self._beat(asyncio.get_running_loop())

    def stop(self) -> None:
        """Beat no more; from here on nobody is told that the event loop stands still."""
        self._beat_at = None
        if self._next is not None:
            self._next.cancel()

    def still_seconds(self) -> float:
        """Return how long ago the last beat was; 0 before the start and after the end."""
        beat_at = self._beat_at
        return 0.0 if beat_at is None else self._monotonic() - beat_at

    def trouble(self) -> str | None:
        """Return that nobody is answered, and since when; None while the event loop has its turns."""
        still = self.still_seconds()
        return None if still < STILL_SECONDS else f"does not answer: its event loop has stood still for {still:.0f} s"

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        self._beat_at = self._monotonic()
        self._next = loop.call_later(BEAT_SECONDS, self._beat, loop)
