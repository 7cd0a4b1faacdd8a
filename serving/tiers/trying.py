"""One attempt of a stage at a micro-batch: read and scored in a thread, and in time or not."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from serving.at_work import seen_at_work
from serving.batching import Release
from serving.prepared import Prepared, prepare
from serving.rollout.attempt import Attempted, attempt
from serving.rollout.workers import Job
from serving.stage import Stage
from serving.tiers.tier import UnderWay

MS_PER_SECOND = 1000

Result: TypeAlias = Sequence[Attempted] | Exception
"""What each ask came to, or why the batch could not even be prepared; nothing where only that was wanted."""


@dataclass(eq=False)
class Trying:
    """An attempt under way, whose version may score for `seconds`; times are monotonic seconds.

    `prepared` is set by the thread at `read_at`, as soon as the features are read, and `ended_at` when it has its
    result: what a store takes is not held against the version. Once it is `over`, whatever comes of it is too late.
    """

    stage: Stage
    under_way: UnderWay
    seconds: float
    release: Release
    prepared: Prepared | None = None
    read_at: float | None = None
    ended_at: float | None = None
    over: bool = False
    timer: asyncio.TimerHandle | None = None
    job: Job | None = None

    def in_thread(self, loop: asyncio.AbstractEventLoop, finish: Callable[["Trying", Result], None]) -> None:
        """Run in a thread: read the features, score, and have `finish` called on the event loop."""
        stage = self.stage
        result: Result = ()
        try:
            prepared = self.prepared or prepare(stage, [ask for ask, _ in self.under_way.batch])
            if self.read_at is None:
                self.read_at = stage.monotonic()
            self.prepared = prepared
            if self.job is not None:
                self.job.reading = False
            if not self.only_reads:
                sizes = [len(ask.rows) for ask in prepared.asks]
                with seen_at_work(stage, prepared):
                    result = attempt(stage.version, stage.predictor, prepared.matrix, sizes)
        except Exception as error:  # noqa: BLE001 - whatever went wrong must reach the callers that wait
            result = error
        self.ended_at = stage.monotonic()
        # A loop that is closed by now has nobody left who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(finish, self, result)

    def end(self) -> None:
        """Take no result any more, and let the next batch come."""
        self.over = True
        if self.timer is not None:
            self.timer.cancel()
        self.release()

    @property
    def only_reads(self) -> bool:
        """Whether the batch is here only to have its features read, for a stage that is not to answer."""
        stopped = self.under_way.stopped
        return stopped is not None and stopped.stage is self.stage

    @property
    def in_time(self) -> bool:
        """Whether the thread had its result before the version's deadline."""
        return self.ended_at is not None and self.asked_seconds() <= self.seconds

    def asked_seconds(self) -> float:
        """Return how long the version was asked, up to now while it has no result; 0 before its features are read."""
        if self.read_at is None:
            return 0.0
        return (self.ended_at or self.stage.monotonic()) - self.read_at

    def left_seconds(self) -> float:
        """Return how long may be waited yet: for the features, or the version, and never beyond the request's end."""
        mine = self.seconds - self.asked_seconds()
        return min(mine, self.under_way.due - self.stage.monotonic())

    def late(self) -> str:
        """Return that the deadline is past, in words."""
        return f"no answer within {self.seconds * MS_PER_SECOND:g} ms"
