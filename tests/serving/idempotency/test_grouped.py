"""Work is done together by one thread, and everyone is told how it went."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from serving.idempotency.grouped import AT_ONCE, Grouped


def test_what_comes_while_work_is_done_is_done_together_in_its_order() -> None:
    """At most so much at once, on a thread that is not the event loop's."""
    groups: list[Sequence[int]] = []
    begun, go_on = threading.Event(), threading.Event()
    threads: set[int] = set()

    def double(some: Sequence[int]) -> list[int]:
        groups.append(some)
        threads.add(threading.get_ident())
        begun.set()
        assert go_on.wait(10)
        return [2 * one for one in some]

    async def asked() -> list[int]:
        grouped = Grouped("test", double)
        first = grouped.ask(0)
        await asyncio.to_thread(begun.wait)
        others = [grouped.ask(number) for number in range(1, AT_ONCE + 10)]
        go_on.set()
        told = await asyncio.gather(first, *others)
        await asyncio.to_thread(grouped.stop)
        return told

    told = asyncio.run(asked())
    assert told == [2 * number for number in range(AT_ONCE + 10)]
    assert [len(group) for group in groups] == [1, AT_ONCE, 9]
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_failure_reaches_everyone_and_the_next_is_done_all_the_same() -> None:
    """The thread lives on."""

    def invert(some: Sequence[int]) -> list[float]:
        return [1 / one for one in some]

    async def asked() -> float:
        grouped = Grouped("test", invert)
        with pytest.raises(ZeroDivisionError):
            await grouped.ask(0)
        told = await grouped.ask(2)
        await asyncio.to_thread(grouped.stop)
        return told

    assert asyncio.run(asked()) == 0.5


def test_stop_does_what_was_asked_before_it_and_one_never_asked_has_no_thread() -> None:
    """A replica that leaves stores what it was about to."""

    async def asked() -> list[int]:
        grouped: Grouped[int, int] = Grouped("test", list)
        waiting = [grouped.ask(number) for number in range(3)]
        await asyncio.to_thread(grouped.stop)
        return await asyncio.gather(*waiting)

    assert asyncio.run(asked()) == [0, 1, 2]
    before = threading.active_count()
    idle: Grouped[int, int] = Grouped("idle", list)
    assert threading.active_count() == before
    idle.stop()


def test_caller_who_went_away_is_passed_over() -> None:
    """His cancelled future is not settled."""

    async def asked() -> int:
        grouped: Grouped[int, int] = Grouped("test", list)
        gone, stays = grouped.ask(1), grouped.ask(2)
        gone.cancel()
        told = await stays
        await asyncio.to_thread(grouped.stop)
        return told

    assert asyncio.run(asked()) == 2
