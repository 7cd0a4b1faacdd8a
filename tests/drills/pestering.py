"""A client that sends everything again, successes too, and hangs up anywhere: in a request, or before its answer."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.drills.load import Line

TIMES = 4
"""How often each request is sent, whatever came of the times before."""
CUT_SHORT, HANG_UP = 0.1, 0.25
"""Shares of tries that end within the request, and of those that end before there is time for an answer."""
SOON_SECONDS = (0.0, 0.03)
PATIENCE_SECONDS = 30.0
COME_BACK = (409, 503)
"""What a client is told to send again, with the time to wait in the answer."""
CUT = "cut within the request"
GONE = "hung up before the answer"
BROKEN = "no answer"


@dataclass(frozen=True)
class Question:
    """What is sent: a body, by which the answers are known a name, and an idempotency key or none."""

    name: str
    body: bytes
    key: str | None


@dataclass(frozen=True)
class Heard:
    """An answer that was waited for."""

    status: int
    retry_after: bytes | None
    body: bytes


@dataclass
class Pest:
    """Sends questions to a path, `connections` at a time; `heard` has every answer by the question's name.

    `fates` counts what became of the tries, statuses among them.
    """

    address: tuple[str, int]
    path: str
    connections: int
    seed: int
    heard: dict[str, list[Heard]] = field(default_factory=dict)
    fates: Counter[str] = field(default_factory=Counter)

    async def pester(self, questions: Sequence[Question], seconds: float) -> None:
        """Send each so many TIMES in a random order, spread over so many seconds."""
        draw = random.Random(self.seed)
        tries = [question for question in questions for _ in range(TIMES)]
        draw.shuffle(tries)
        room = asyncio.Semaphore(self.connections)
        async with asyncio.TaskGroup() as group:
            for question in tries:
                await room.acquire()
                task = group.create_task(self._try(draw, question))
                task.add_done_callback(lambda _: room.release())
                await asyncio.sleep(seconds / len(tries))

    async def ask(self, question: Question) -> Heard:
        """Send a question until its answer is not that it should be sent again."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            heard = await self._send(question, PATIENCE_SECONDS)
            if heard is not None and heard.status not in COME_BACK:
                return heard
            await asyncio.sleep(0.2)
        raise AssertionError(f"no answer to {question.name} within {PATIENCE_SECONDS} s")

    async def _try(self, draw: random.Random, question: Question) -> None:
        kind = draw.random()
        if kind < CUT_SHORT:
            await self._cut(question, draw.random())
        elif kind < CUT_SHORT + HANG_UP:
            await self._send(question, draw.uniform(*SOON_SECONDS))
        else:
            await self._send(question, PATIENCE_SECONDS)

    async def _send(self, question: Question, patience_seconds: float) -> Heard | None:
        line = None
        try:
            _, line = await asyncio.get_running_loop().create_connection(Line, *self.address)
            async with asyncio.timeout(patience_seconds):
                status, said = await line.ask(self._written(question))
        except TimeoutError:
            self.fates[GONE] += 1
            return None
        except OSError:
            self.fates[BROKEN] += 1
            return None
        finally:
            if line is not None:
                line.close()
        self.fates[str(status)] += 1
        heard = Heard(status, line.headers.get(b"retry-after"), said)
        self.heard.setdefault(question.name, []).append(heard)
        return heard

    async def _cut(self, question: Question, part: float) -> None:
        _, writer = await asyncio.open_connection(*self.address)
        written = self._written(question)
        writer.write(written[: int(len(written) * part)])
        await writer.drain()
        await asyncio.sleep(part / 10)
        writer.transport.abort()
        self.fates[CUT] += 1

    def _written(self, question: Question) -> bytes:
        said = {
            "Host": "drill",
            "Content-Type": "application/json",
            "X-Request-ID": question.name,
            "Content-Length": str(len(question.body)),
        }
        if question.key is not None:
            said["Idempotency-Key"] = question.key
        head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        return f"POST {self.path} HTTP/1.1\r\n{head}\r\n".encode() + question.body
