"""Who is read when, while more comes in than the next batches take."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from math import inf

import msgspec
import pytest

from lifecycle.priority import Priority
from serving.answer import Answer, Ask
from serving.caller import Caller
from serving.problem import Refused
from serving.turnstile import Turnstile
from serving.waiting_asks import WaitingAsks

URGENT, STANDARD, BACKFILL = Priority


class Crowd:
    """A turnstile before a queue, and requests that pass it one by one."""

    def __init__(self, most: int = 100) -> None:
        self.behind = WaitingAsks(most, inf)
        self.turnstile = Turnstile(self.behind, 8, most)
        self.read: list[str] = []
        self.broken: set[str] = set()

    def push(self, name: str, priority: Priority = STANDARD) -> None:
        """Let a read request of 4 rows wait for its batch."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.behind.push(Ask([msgspec.Struct()] * 4, name, 0, 0.0, caller=Caller(priority=priority)), future)

    async def come(self, name: str, priority: Priority = STANDARD) -> None:
        """Be read when it is one's turn."""
        if not self.turnstile.is_open(priority):
            await self.turnstile.wait(priority)
            try:
                self._read(name, priority)
            finally:
                self.turnstile.leave()
        else:
            self._read(name, priority)

    def _read(self, name: str, priority: Priority) -> None:
        self.read.append(name)
        if name in self.broken:
            raise ValueError(name)
        self.push(name, priority)

    async def take(self) -> None:
        """Take a batch of one, and let others move."""
        self.behind.take(4)
        self.turnstile.let_in()
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def started(*coming: Coroutine[None, None, None]) -> list["asyncio.Task[None]"]:
    """Return requests that have got as far as they can."""
    tasks = [asyncio.create_task(one) for one in coming]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run a test on an event loop."""

    async def whole() -> None:
        await test()

    asyncio.run(whole())


def test_no_more_is_read_than_two_batches_take_but_the_urgent_at_once() -> None:
    """The others follow as batches are taken, the most urgent first."""

    async def test() -> None:
        crowd = Crowd()
        names = ("a", "b", "c", "backfill", "d")
        tasks = await started(
            *(crowd.come(name, BACKFILL if name == "backfill" else STANDARD) for name in names),
            crowd.come("urgent", URGENT),
        )
        assert crowd.read == ["a", "b", "urgent"]
        assert crowd.turnstile.by_priority() == (0, 2, 1)
        for _ in range(6):
            await crowd.take()
        assert crowd.read == ["a", "b", "urgent", "c", "d", "backfill"]
        await asyncio.gather(*tasks)
        assert (crowd.turnstile.count, crowd.behind.count) == (0, 0)

    run(test)


def test_request_that_cannot_be_read_or_goes_away_gives_its_turn_to_the_next() -> None:
    """Nobody is forgotten behind it."""

    async def test() -> None:
        crowd = Crowd()
        crowd.broken = {"broken"}
        crowd.push("1")
        crowd.push("2")
        tasks = await started(*(crowd.come(name) for name in ("gone", "broken", "late", "last")))
        crowd.behind.take(4)
        crowd.turnstile.let_in()
        # Its turn has come, and before it can take it, it goes away.
        tasks[0].cancel()
        for _ in range(6):
            await crowd.take()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in ended[:2]] == [asyncio.CancelledError, ValueError]
        assert crowd.read == ["broken", "late", "last"]
        assert crowd.turnstile.count == 0

    run(test)


def test_full_house_sheds_the_newest_of_the_least_urgent() -> None:
    """Those that wait to be read count with those that were."""

    async def test() -> None:
        crowd = Crowd(most=4)
        crowd.push("1")
        crowd.push("2")
        tasks = await started(crowd.come("old", BACKFILL), crowd.come("new", BACKFILL))
        assert crowd.turnstile.is_closed_to(BACKFILL)
        assert not crowd.turnstile.is_closed_to(STANDARD)
        (standard,) = await started(crowd.come("standard"))
        with pytest.raises(Refused, match="4 requests wait"):
            await tasks[1]
        with pytest.raises(Refused):
            await crowd.come("another", BACKFILL)
        for _ in range(4):
            await crowd.take()
        await asyncio.gather(tasks[0], standard)
        assert crowd.read == ["standard", "old"]

    run(test)
