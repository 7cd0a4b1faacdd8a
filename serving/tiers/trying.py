"""One attempt of a stage at a micro-batch: read and scored, in a thread or at once, and in time or not."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from serving.answer import Ask
from serving.at_work import seen_at_work
from serving.batching import Release
from serving.prepared import Prepared, prepare, prepare_recalled
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

    `prepared` is set at `read_at`, as soon as the features are read, and `ended_at` when there is a result: what a
    store takes is not held against the version. `recalled` says that no store was asked for the features. Once it is
    `over`, whatever comes of it is too late.
    """

    stage: Stage
    under_way: UnderWay
    seconds: float
    release: Release
    prepared: Prepared | None = None
    read_at: float | None = None
    ended_at: float | None = None
    recalled: bool = False
    over: bool = False
    timer: asyncio.TimerHandle | None = None
    job: Job | None = None

    def in_thread(self, loop: asyncio.AbstractEventLoop, finish: Callable[["Trying", Result], None]) -> None:
        """Run in a thread: read the features, score, and have `finish` called on the event loop."""
        result: Result = ()
        try:
            prepared = self.prepared or prepare(self.stage, self._asks())
            self._read(prepared)
            if self.job is not None:
                self.job.reading = False
            if not self.only_reads:
                result = self._score(prepared)
        except Exception as error:  # noqa: BLE001 - whatever went wrong must reach the callers that wait
            result = error
        self.ended_at = self.stage.monotonic()
        # A loop that is closed by now has nobody left who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(finish, self, result)

    def at_once(self) -> Result | None:
        """Return the result, computed by the caller itself; None where that takes a store, and nothing has come of it.

        Nothing is raised: what is odd about the requests is found out by the thread, as is everything else.
        """
        try:
            prepared = self.prepared or prepare_recalled(self.stage, self._asks())
            if prepared is None:
                return None
            self.recalled = self.prepared is None
            self._read(prepared)
            result = self._score(prepared)
        except Exception:  # noqa: BLE001 - the thread meets the same and tells of it
            return None
        self.ended_at = self.stage.monotonic()
        return result

    def _asks(self) -> list[Ask]:
        return [ask for ask, _ in self.under_way.batch]

    def _read(self, prepared: Prepared) -> None:
        if self.read_at is None:
            self.read_at = self.stage.monotonic()
        self.prepared = prepared

    def _score(self, prepared: Prepared) -> Sequence[Attempted]:
        sizes = [len(ask.rows) for ask in prepared.asks]
        with seen_at_work(self.stage, prepared):
            return attempt(self.stage.version, self.stage.predictor, prepared.matrix, sizes)

    def end(self) -> None:
        """Take no result any more, and let the next batch come."""
        self.close()
        self.release()

    def close(self) -> None:
        """Take no result any more."""
        self.over = True
        if self.timer is not None:
            self.timer.cancel()

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
