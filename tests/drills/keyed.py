"""Clients that send each request several times with one key, and again until they have an answer."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.drills.load import Line

SEND_AGAIN = (409, 500, 502, 503, 504)
"""What a client is told to come back for, or gets from a proxy whose replicas are gone."""
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Given:
    """A final answer."""

    status: int
    body: bytes
    replayed: bool


@dataclass
class Keyed:
    """Posts bodies under keys to a path; `answers` has every final answer, by key.

    An answer of SEND_AGAIN and a broken connection are counted in `again`, and the request is sent once more.
    """

    address: tuple[str, int]
    path: str
    answers: dict[str, list[Given]] = field(default_factory=dict)
    again: Counter[str] = field(default_factory=Counter)
    _lines: deque[Line] = field(default_factory=deque)

    async def send(self, bodies: Sequence[tuple[str, bytes]], times: int) -> None:
        """Send each body so many times at the same moment, all of them together, each on a connection of its own."""
        await asyncio.gather(*(self._one(key, body) for key, body in bodies for _ in range(times)))

    def close(self) -> None:
        """Close all connections."""
        while self._lines:
            self._lines.pop().close()

    async def _one(self, key: str, body: bytes) -> None:
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: drill\r\nContent-Type: application/json\r\nIdempotency-Key: {key}\r\n"
        )
        request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                line = await self._line()
                status, said = await line.ask(request)
            except OSError as error:
                self.again[type(error).__name__] += 1
            else:
                given = Given(status, said, b"idempotent-replayed" in line.headers)
                self._lines.append(line)
                if status not in SEND_AGAIN:
                    self.answers.setdefault(key, []).append(given)
                    return
                self.again[str(status)] += 1
            await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError(f"no answer for {key} within {PATIENCE_SECONDS} s; sent again for {dict(self.again)}")

    async def _line(self) -> Line:
        while self._lines:
            line = self._lines.popleft()
            if not line.closed:
                return line
        _, line = await asyncio.get_running_loop().create_connection(Line, *self.address)
        return line
