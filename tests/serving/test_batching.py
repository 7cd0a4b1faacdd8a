"""How asks become batches."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import msgspec
import pytest

from serving.answer import Answer, Ask
from serving.batching import MicroBatcher, answer_at_once
from serving.problem import Refused


def ask(n_rows: int = 1) -> Ask:
    """Return an ask of that many rows."""
    return Ask([msgspec.Struct()] * n_rows, "r", 0, 0.0)


@dataclass
class Recorder:
    """A scorer that remembers the rows of each ask, batch by batch."""

    batches: list[list[int]] = field(default_factory=list)

    def __call__(self, asks: Sequence[Ask]) -> list[Answer]:
        """Return one answer per ask."""
        self.batches.append([len(one.rows) for one in asks])
        return [Answer("m", "1", "c", 1, [], [], [], [], None) for _ in asks]


def run(*asks: Ask, max_rows: int = 4, wait: float = 0.0, apart: float = 0.0) -> list[list[int]]:
    """Return the batches that asks, submitted `apart` seconds from each other, are answered in."""
    recorder = Recorder()

    async def submitted() -> None:
        batcher = MicroBatcher(partial(answer_at_once, recorder), max_rows, wait, max_waiting=100)
        futures = []
        for one in asks:
            futures.append(batcher.submit(one))
            await asyncio.sleep(apart) if apart else None
        await asyncio.gather(*futures)

    asyncio.run(submitted())
    return recorder.batches


def test_asks_of_one_turn_are_one_batch_up_to_the_row_limit() -> None:
    """Nobody waits, and no batch is larger than allowed."""
    assert run(*[ask()] * 10) == [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1]]


def test_ask_is_never_split() -> None:
    """An ask that would overfill the batch opens the next; one larger than a batch is one."""
    assert run(ask(3), ask(2), ask(9), ask(1)) == [[3], [2], [9], [1]]


def test_asks_that_come_one_by_one_wait_for_each_other_when_told_to() -> None:
    """The added wait gathers what comes within it."""
    assert run(*[ask()] * 3, wait=0.2, apart=0.01) == [[1, 1, 1]]


def test_full_batch_does_not_wait() -> None:
    """The bound on the wait is an upper one."""
    assert run(*[ask()] * 4, wait=60.0) == [[1, 1, 1, 1]]


def test_caller_that_goes_away_does_not_break_the_batch() -> None:
    """Its rows are left out when the batch has not begun, and the others are answered."""
    recorder = Recorder()

    async def submitted() -> None:
        batcher = MicroBatcher(partial(answer_at_once, recorder), 8, 0.0, max_waiting=100)
        gone, stays = batcher.submit(ask(2)), batcher.submit(ask(3))
        gone.cancel()
        await stays

    asyncio.run(submitted())
    assert recorder.batches == [[3]]


def test_ask_above_the_bound_is_refused_while_others_wait() -> None:
    """The queue is bounded in asks."""

    async def submitted() -> None:
        batcher = MicroBatcher(partial(answer_at_once, Recorder()), 8, 0.0, max_waiting=2)
        waiting = [batcher.submit(ask()) for _ in range(2)]
        with pytest.raises(Refused, match="2 requests wait"):
            batcher.submit(ask())
        await asyncio.gather(*waiting)
        await batcher.submit(ask())

    asyncio.run(submitted())
