"""Which micro-batches are scored on the event loop itself, where a thread of their own would gain nothing."""

import time
from collections.abc import Callable

from serving.stage import Stage
from serving.tiers.trying import Result, Trying

MOST_ROWS = 128
LONGEST_SECONDS = 0.005
"""Of processor time that a batch may take; one that takes more sends those after it to the threads."""
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0


class AtOnce:
    """Makes the attempts of a stage that are sure to be short: by what its version is, and by what the last took.

    A hand-over to a thread and back costs a batch more than a few hundred trees do, and the two threads then take
    Python's lock from each other. Used on the event loop only; `busy_seconds` is the time it spent computing so far.
    """

    def __init__(self, stage: Stage, busy_seconds: Callable[[], float] = time.thread_time) -> None:
        self._stage = stage
        self._busy_seconds = busy_seconds
        self._not_before = float("-inf")
        self._pause_seconds = FIRST_PAUSE_SECONDS

    def result_of(self, trying: Trying) -> Result | None:
        """Return what came of an attempt, made here and now; None where a thread must make it."""
        stage = self._stage
        if not stage.predictor.bounded or trying.only_reads:
            return None
        if (
            sum([len(ask.rows) for ask, _ in trying.under_way.batch]) > MOST_ROWS
            or stage.monotonic() < self._not_before
        ):
            return None
        # Processor time: a machine that is busy with other things says nothing of the version.
        began = self._busy_seconds()
        result = trying.at_once()
        self._took(self._busy_seconds() - began)
        return result

    def _took(self, seconds: float) -> None:
        """Send what follows to the threads for a while when this took too long, twice as long each time."""
        if seconds <= LONGEST_SECONDS:
            self._pause_seconds = FIRST_PAUSE_SECONDS
            return
        self._not_before = self._stage.monotonic() + self._pause_seconds
        self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
