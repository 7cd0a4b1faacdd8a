"""Sends requests at a steady rate whether or not earlier ones are answered, as many independent clients do.

`python -m tests.bench.overload.sender` is a process of its own, so that clients do not slow each other down. It reads
a plan as JSON from its standard input and writes what became of every request to the plan's file.
"""

import asyncio
import json
import os
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

import numpy as np

TIMEOUT_SECONDS = 30.0
NUMBER = "@@@@"
"""What in a body the number of the request stands for: requests that are alike would share one answer."""
NUMBERS = 9999
NO_ANSWER = 0
"""The status of a request that got none: a broken connection, or nothing in time."""


class Cores(StrEnum):
    """When clients get one of the cores that they share with the server; clients elsewhere would not take them from it.

    At once, as clients on another machine have theirs; as others do; a smaller share than others; or when nobody else
    wants it.
    """

    AT_ONCE = "at once"
    AS_OTHERS = "as others"
    LATER = "later"
    LAST = "last"

    def take(self) -> None:
        """Ask the system for it; raises OSError where this user may not."""
        if self is Cores.AT_ONCE:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        elif self is Cores.LATER:
            os.nice(5)
        elif self is Cores.LAST:
            os.nice(19)
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


@dataclass(frozen=True)
class Plan:
    """What to send where, how often and how long; `begins_at` is in epoch seconds, so that senders begin together.

    In `body`, which is ASCII, NUMBER stands for the request's own number. `cores` says when these clients get a core.
    """

    address: str
    headers: dict[str, str]
    body: str
    per_second: float
    seconds: float
    connections: int
    begins_at: float
    file: str
    cores: Cores = Cores.AS_OTHERS

    def dumped(self) -> str:
        """Return the plan as JSON."""
        return json.dumps(asdict(self))


@dataclass
class Sent:
    """For every request: when it was due, in seconds from the beginning, how long it took from then on, its status."""

    due: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    status: list[int] = field(default_factory=list)

    def add(self, due: float, seconds: float, status: int) -> None:
        """Keep one."""
        self.due.append(due)
        self.seconds.append(seconds)
        self.status.append(status)


class Connections:
    """At most so many connections, opened as they are needed and used again."""

    def __init__(self, plan: Plan) -> None:
        parts = urlsplit(plan.address)
        self._host, self._port = parts.hostname, parts.port
        self._idle: deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = deque()
        self._room = asyncio.Semaphore(plan.connections)
        said = {"Host": parts.netloc, "Content-Type": "application/json", "Content-Length": str(len(plan.body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in (said | plan.headers).items())
        self._request = f"POST {parts.path} HTTP/1.1\r\n{lines}\r\n{plan.body}"

    async def ask(self, number: int) -> int:
        """Return the status of an answer to the request of a number, NO_ANSWER without one."""
        # As wide as what it stands for, so that all have one length.
        request = self._request.replace(NUMBER, f"{1 + number % NUMBERS:{len(NUMBER)}}").encode()
        async with self._room:
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    return await self._ask(request)
            except (OSError, EOFError, TimeoutError, asyncio.IncompleteReadError):
                return NO_ANSWER

    async def _ask(self, request: bytes) -> int:
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(_length(head))
        except BaseException:
            writer.close()
            raise
        if b"\r\nconnection: close" in head.lower():
            writer.close()
        else:
            self._idle.append((reader, writer))
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        """Close those that are idle."""
        for _, writer in self._idle:
            writer.close()


async def send(plan: Plan) -> Sent:
    """Send what the plan says, and return what became of it."""
    connections, sent = Connections(plan), Sent()
    await asyncio.sleep(max(0.0, plan.begins_at - time.time()))
    loop = asyncio.get_running_loop()
    began = loop.time()
    tasks: set[asyncio.Task[None]] = set()

    async def one(number: int, due: float) -> None:
        status = await connections.ask(number)
        sent.add(due, loop.time() - began - due, status)

    for number in range(int(plan.per_second * plan.seconds)):
        due = number / plan.per_second
        wait = began + due - loop.time()
        if wait > 0:
            await asyncio.sleep(wait)
        task = loop.create_task(one(number, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    if tasks:
        await asyncio.wait(tasks)
    connections.close()
    return sent


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
    return 0


def main() -> None:
    """Send the plan from standard input."""
    said = json.loads(sys.stdin.read())
    plan = Plan(**{**said, "cores": Cores(said["cores"])})
    try:
        plan.cores.take()
    except OSError as error:
        sys.stderr.write(
            f"These clients get no core {plan.cores.value} ({error}), and wait for one in their figures.\n"
        )
    sent = asyncio.run(send(plan))
    np.savez(plan.file, due=sent.due, seconds=sent.seconds, status=sent.status)


if __name__ == "__main__":
    main()
