"""Work that costs less together, on a thread of its own: a transaction for the keys of many requests."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Told = TypeVar("Told")

AT_ONCE = 200


class Grouped(Generic[Asked, Told]):
    """Hands to `work` whatever was asked while it did what came before, at most AT_ONCE together.

    `work` returns a result for each, in order; what it raises reaches all of them. The thread begins with the first
    question, so that one who is never asked costs nothing.
    """

    def __init__(self, name: str, work: Callable[[Sequence[Asked]], Sequence[Told]]) -> None:
        self._name = name
        self._work = work
        self._waiting: SimpleQueue[tuple[Asked, asyncio.Future[Told]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def ask(self, asked: Asked) -> "asyncio.Future[Told]":
        """Return the result to come; on the event loop."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        future: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._waiting.put((asked, future))
        return future

    def stop(self) -> None:
        """End the thread once everything that was asked is done."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while True:
            first = self._waiting.get()
            if first is None:
                return
            group, ending = self._gathered(first)
            asked = [one for one, _ in group]
            try:
                results: Sequence[Told | Exception] = self._work(asked)
            except Exception as error:  # noqa: BLE001 - whatever went wrong must reach those who wait
                results = [error] * len(group)
            _tell(group, results)
            if ending:
                return

    def _gathered(
        self, first: tuple[Asked, "asyncio.Future[Told]"]
    ) -> tuple[list[tuple[Asked, "asyncio.Future[Told]"]], bool]:
        group = [first]
        with suppress(Empty):
            while len(group) < AT_ONCE:
                following = self._waiting.get_nowait()
                if following is None:
                    return group, True
                group.append(following)
        return group, False


def _tell(group: Sequence[tuple[Asked, "asyncio.Future[Told]"]], results: Sequence[Told | Exception]) -> None:
    settled = [(future, result) for (_, future), result in zip(group, results, strict=True)]
    loops = {future.get_loop() for future, _ in settled}
    for loop in loops:
        # A loop that is closed by now has nobody left who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, [pair for pair in settled if pair[0].get_loop() is loop])


def _settle(settled: Sequence[tuple["asyncio.Future[Told]", Told | Exception]]) -> None:
    for future, result in settled:
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
