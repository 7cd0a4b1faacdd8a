"""Ends the wait for bodies that do not come."""

import asyncio
import time
from collections.abc import Awaitable
from typing import TypeVar

from serving.problem import refused

LOOKS_PER_PATIENCE = 10
BODY_SECONDS = 10.0
T = TypeVar("T")


class SlowBodies:
    """Gives every body `seconds` to arrive, a tenth more at most.

    A timer per request would cost some microseconds; here one looks after all that are being read. Used on the event
    loop only.
    """

    def __init__(self, seconds: float = BODY_SECONDS) -> None:
        self.seconds = seconds
        self._since: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()
        self._looking: asyncio.AbstractEventLoop | None = None

    async def within(self, reading: Awaitable[T]) -> T:
        """Return what is read; raises Refused with 408 when it is not there in time."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a body is read in a task, so that the reading can be ended")
        self._since[task] = time.monotonic()
        loop = task.get_loop()
        if self._looking is not loop:
            self._look_later(loop)
        try:
            return await reading
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
        finally:
            self._since.pop(task, None)
            if self._late:
                self._late.discard(task)
        detail = f"The body was not here within {self.seconds:g} s; send it faster, or fewer rows per request."
        raise refused(408, "body-too-slow", detail, headers=((b"connection", b"close"),))

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._looking = loop
        loop.call_later(self.seconds / LOOKS_PER_PATIENCE, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        begun_before = time.monotonic() - self.seconds
        for task, began in list(self._since.items()):
            if began < begun_before and task not in self._late:
                self._late.add(task)
                task.cancel()
        if self._since:
            self._look_later(loop)
        else:
            self._looking = None
