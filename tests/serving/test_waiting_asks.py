"""Who goes first when asks wait, and who is turned away."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import pytest

from lifecycle.priority import Priority
from serving.answer import Answer, Ask
from serving.caller import Caller
from serving.priority_queues import TURN
from serving.problem import Refused
from serving.waiting_asks import JOIN_SECONDS, WaitingAsks

URGENT, STANDARD, BACKFILL = Priority


@dataclass
class Clock:
    """A clock that stands where it is put."""

    at: float = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.at


def ask(priority: Priority, name: str = "", rows: int = 1, at: float = 0.0) -> Ask:
    """Return an ask with a name."""
    return Ask([msgspec.Struct()] * rows, name, 0, at, caller=Caller(priority=priority))


def in_a_loop(test: Callable[[Callable[[], "asyncio.Future[Answer]"]], None]) -> None:
    """Run a test that needs futures."""

    async def run() -> None:
        test(asyncio.get_running_loop().create_future)

    asyncio.run(run())


def test_most_urgent_are_taken_first_and_others_fill_up() -> None:
    """Within a priority, in the order they came."""

    def test(future: Callable[[], "asyncio.Future[Answer]"]) -> None:
        waiting = WaitingAsks(10, 1.0, Clock())
        for number, priority in enumerate((BACKFILL, STANDARD, URGENT, STANDARD, URGENT)):
            waiting.push(ask(priority, str(number)), future())
        assert [one.request_id for one, _ in waiting.take(4)] == ["2", "4", "1", "3"]
        assert (waiting.count, waiting.rows, waiting.by_priority()) == (1, 1, (0, 0, 1))

    in_a_loop(test)


def test_full_queue_sheds_the_newest_of_the_least_urgent() -> None:
    """It learns so at once; nobody who is as urgent makes room."""

    def test(future: Callable[[], "asyncio.Future[Answer]"]) -> None:
        waiting = WaitingAsks(3, 1.0, Clock())
        futures = {name: future() for name in ("old", "new", "standard", "urgent")}
        waiting.push(ask(BACKFILL, "old"), futures["old"])
        waiting.push(ask(BACKFILL, "new"), futures["new"])
        waiting.push(ask(STANDARD, "standard"), futures["standard"])
        assert not waiting.is_closed_to(URGENT)
        assert waiting.is_closed_to(BACKFILL)
        waiting.push(ask(URGENT, "urgent"), futures["urgent"])
        refusal = futures["new"].exception()
        assert isinstance(refusal, Refused)
        assert (refusal.problem.status, refusal.problem.retry_after) == (503, 1)
        assert not futures["old"].done()
        with pytest.raises(Refused, match="3 requests wait"):
            waiting.push(ask(BACKFILL), future())
        assert [one.request_id for one, _ in waiting.take(9)] == ["urgent", "standard", "old"]

    in_a_loop(test)


def test_urgent_asks_shed_each_other_only_when_nobody_else_waits() -> None:
    """The limit holds for them, too."""

    def test(future: Callable[[], "asyncio.Future[Answer]"]) -> None:
        waiting = WaitingAsks(2, 1.0, Clock())
        standard = future()
        waiting.push(ask(URGENT), future())
        waiting.push(ask(STANDARD), standard)
        waiting.push(ask(URGENT), future())
        assert standard.done()
        with pytest.raises(Refused):
            waiting.push(ask(URGENT), future())
        assert waiting.count == 2
        assert standard.exception() is not None

    in_a_loop(test)


def test_least_urgent_have_a_turn_now_and_then() -> None:
    """However many urgent ones come, none waits for ever."""

    def test(future: Callable[[], "asyncio.Future[Answer]"]) -> None:
        waiting = WaitingAsks(1000, 1000.0, Clock())
        waiting.push(ask(BACKFILL, "patient"), future())
        for batch in range(1, TURN + 1):
            for _ in range(4):
                waiting.push(ask(URGENT), future())
            names = [one.request_id for one, _ in waiting.take(4)]
            assert ("patient" in names) is (batch == TURN)

    in_a_loop(test)


def test_old_ask_does_not_bring_the_deadline_of_an_urgent_one_nearer() -> None:
    """They are answered in batches of their own."""

    def test(future: Callable[[], "asyncio.Future[Answer]"]) -> None:
        waiting = WaitingAsks(10, 1.0, Clock())
        waiting.push(ask(STANDARD, "old", at=0.0), future())
        waiting.push(ask(URGENT, "new", at=JOIN_SECONDS * 2), future())
        assert [one.request_id for one, _ in waiting.take(4)] == ["new"]
        assert [one.request_id for one, _ in waiting.take(4)] == ["old"]

    in_a_loop(test)


def test_backfill_that_waited_too_long_is_refused_and_others_are_not() -> None:
    """A later try is worth more to it than an answer from a lower tier."""

    def test(future: Callable[[], "asyncio.Future[Answer]"]) -> None:
        clock = Clock()
        waiting = WaitingAsks(10, 1.5, clock)
        backfill = future()
        waiting.push(ask(BACKFILL, at=0.0), backfill)
        waiting.push(ask(STANDARD, "stays", at=0.0), future())
        clock.at = 1.6
        assert [one.request_id for one, _ in waiting.take(4)] == ["stays"]
        with pytest.raises(Refused, match=r"waiting for 1\.6 s"):
            backfill.result()
        assert (waiting.count, waiting.rows) == (0, 0)

    in_a_loop(test)


def test_caller_that_went_away_takes_no_place_in_a_batch() -> None:
    """Its rows are forgotten."""

    def test(future: Callable[[], "asyncio.Future[Answer]"]) -> None:
        waiting = WaitingAsks(10, 1.0, Clock())
        gone = future()
        waiting.push(ask(STANDARD, "gone", rows=4), gone)
        waiting.push(ask(STANDARD, "stays"), future())
        gone.cancel()
        assert [one.request_id for one, _ in waiting.take(4)] == ["stays"]
        assert waiting.rows == 0

    in_a_loop(test)
