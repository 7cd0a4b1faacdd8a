"""The features of a micro-batch for the cheap tiers, read in a thread where they are not in memory."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from lifecycle.errors import Unavailable
from serving.cache.vector import Vector
from serving.prepared import Prepared, prepare
from serving.rollout.workers import Job, Workers
from serving.stage import Stage
from serving.tiers.breakers import TierBreakers
from serving.tiers.tier import UnderWay
from serving.tiers.trying import MS_PER_SECOND

Then: TypeAlias = Callable[[UnderWay], None]
"""Takes the batch: prepared, or blind, or as it was when only the version's own threads can say what is wrong."""


@dataclass(eq=False)
class _Read:
    """One reading under way; once it is `over`, whatever comes of it is too late."""

    under_way: UnderWay
    then: Then
    over: bool = False
    timer: asyncio.TimerHandle | None = None

    def end(self) -> None:
        """Take no result any more."""
        self.over = True
        if self.timer is not None:
            self.timer.cancel()


@dataclass(frozen=True)
class Reading:
    """Reads features in `workers`, within `seconds` and the request's own deadline."""

    stage: Stage
    workers: Workers
    seconds: float
    breakers: TierBreakers

    def read(self, under_way: UnderWay, known: Mapping[int, Vector], then: Then) -> None:
        """Have `then` called on the event loop; rows whose vector is `known`, by their places, are not read."""
        reason = self.breakers.refuse_features()
        if reason is not None:
            then(replace(under_way, blind=reason))
            return
        loop = asyncio.get_running_loop()
        read = _Read(under_way, then)
        job = Job(partial(self._in_thread, read, known, loop), reading=True)
        if not self._submitted(job):
            # The version's own threads may read yet.
            self.breakers.features.nothing_learned()
            then(under_way)
            return
        left = min(self.seconds, under_way.due - self.stage.monotonic())
        read.timer = loop.call_later(left, self._late, read, job)

    def _submitted(self, job: Job) -> bool:
        try:
            return self.workers.submit(job)
        except RuntimeError:
            return False

    def _in_thread(self, read: _Read, known: Mapping[int, Vector], loop: asyncio.AbstractEventLoop) -> None:
        result: Prepared | Exception
        try:
            result = prepare(self.stage, [ask for ask, _ in read.under_way.batch], known)
        except Exception as error:  # noqa: BLE001 - whatever went wrong must reach the callers that wait
            result = error
        # A loop that is closed by now has nobody left who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._finish, read, result)

    def _finish(self, read: _Read, result: Prepared | Exception) -> None:
        if read.over:
            return
        read.end()
        if isinstance(result, Unavailable):
            self.breakers.read(worked=False, reason=str(result))
            read.then(replace(read.under_way, blind=str(result)))
        elif isinstance(result, Exception):
            # The version's run finds out which of the requests is the odd one.
            self.breakers.nothing_learned()
            read.then(read.under_way)
        else:
            self.breakers.read(worked=True)
            read.then(replace(read.under_way, prepared=result))

    def _late(self, read: _Read, job: Job) -> None:
        if read.over:
            return
        read.end()
        job.abandon()
        reason = f"the features were not read within {self.seconds * MS_PER_SECOND:g} ms"
        self.breakers.read(worked=False, reason=reason)
        read.then(replace(read.under_way, blind=reason))
