"""How asks become batches."""

import asyncio
from dataclasses import dataclass, field

import msgspec
import pytest

from serving.answer import Answer, Ask
from serving.batching import Batch, MicroBatcher, Release, settle
from serving.problem import Refused


def ask(n_rows: int = 1) -> Ask:
    """Return an ask of that many rows."""
    return Ask([msgspec.Struct()] * n_rows, "r", 0, 0.0)


@dataclass
class Recorder:
    """A run that remembers the rows of each ask, batch by batch, and answers them at once."""

    batches: list[list[int]] = field(default_factory=list)

    def __call__(self, batch: Batch, release: Release) -> None:
        """Answer each ask."""
        self.batches.append([len(one.rows) for one, _ in batch])
        settle(batch, [Answer("m", "1", "c", 1, [], [], [], [], None) for _ in batch])
        release()


def run(*asks: Ask, max_rows: int = 4, wait: float = 0.0, apart: float = 0.0) -> list[list[int]]:
    """Return the batches that asks, submitted `apart` seconds from each other, are answered in."""
    recorder = Recorder()

    async def submitted() -> None:
        batcher = MicroBatcher(recorder, max_rows, wait, max_waiting=100)
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
        batcher = MicroBatcher(recorder, 8, 0.0, max_waiting=100)
        gone, stays = batcher.submit(ask(2)), batcher.submit(ask(3))
        gone.cancel()
        await stays

    asyncio.run(submitted())
    assert recorder.batches == [[3]]


def test_ask_above_the_bound_is_refused_while_others_wait() -> None:
    """The queue is bounded in asks."""

    async def submitted() -> None:
        batcher = MicroBatcher(Recorder(), 8, 0.0, max_waiting=2)
        waiting = [batcher.submit(ask()) for _ in range(2)]
        with pytest.raises(Refused, match="2 requests wait"):
            batcher.submit(ask())
        await asyncio.gather(*waiting)
        await batcher.submit(ask())

    asyncio.run(submitted())


def test_asks_gather_until_the_batch_before_has_let_go() -> None:
    """A batch that is under way holds the next one back, and whatever came meanwhile goes together."""
    seen: list[int] = []
    held: list[Release] = []

    def run(batch: Batch, release: Release) -> None:
        seen.append(len(batch))
        held.append(release)
        settle(batch, [Answer("m", "1", "c", 1, [], [], [], [], None) for _ in batch])

    async def submitted() -> None:
        batcher = MicroBatcher(run, 8, 0.0, max_waiting=100)
        await batcher.submit(ask())
        waiting = []
        for _ in range(3):
            waiting.append(batcher.submit(ask()))
            await asyncio.sleep(0.01)
        assert batcher.waiting() == 3
        held[0]()
        await asyncio.gather(*waiting)

    asyncio.run(submitted())
    assert seen == [1, 3]
