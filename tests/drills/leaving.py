"""Jobs left from outside: connections that post until each body is acknowledged, whatever fails meanwhile."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from tests.drills.load import Line

PATIENCE_SECONDS = 5.0
PAUSE_SECONDS = 0.2
ACCEPTED = 202


class _Accepted(msgspec.Struct):
    id: str


_decode = msgspec.json.Decoder(_Accepted).decode


@dataclass
class Leaving:
    """Leaves each body as a job, with a webhook if there is one.

    `acknowledged` are the ids that came back, by the body's place.

    A body whose answer never came is left again: the job of the first time may be there, too. `failures` counts those.
    """

    address: tuple[str, int]
    path: str
    webhook: str | None
    bodies: Sequence[bytes]
    connections: int
    acknowledged: dict[int, str] = field(default_factory=dict)
    failures: int = 0
    seconds: float = 0.0
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin in the background."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="leaving")
        self._thread.start()

    def join(self) -> None:
        """Wait until everything is acknowledged."""
        if self._thread is not None:
            self._thread.join()

    async def _run(self) -> None:
        began = time.monotonic()
        numbers = iter(range(len(self.bodies)))
        await asyncio.gather(*(self._connection(numbers) for _ in range(self.connections)))
        self.seconds = time.monotonic() - began

    async def _connection(self, numbers: Iterator[int]) -> None:
        line: Line | None = None
        for number in numbers:
            while number not in self.acknowledged:
                try:
                    if line is None or line.closed:
                        _, line = await asyncio.get_running_loop().create_connection(Line, *self.address)
                    async with asyncio.timeout(PATIENCE_SECONDS):
                        status, said = await line.ask(self._request(self.bodies[number]))
                except (OSError, TimeoutError):
                    status, said = 0, b""
                    if line is not None:
                        line.close()
                if status == ACCEPTED:
                    self.acknowledged[number] = _decode(said).id
                else:
                    self.failures += 1
                    await asyncio.sleep(PAUSE_SECONDS)
        if line is not None:
            line.close()

    def _request(self, body: bytes) -> bytes:
        told = "" if self.webhook is None else f"X-Holdfast-Webhook: {self.webhook}\r\n"
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: {self.address[0]}:{self.address[1]}\r\n"
            f"Content-Type: application/json\r\nPrefer: respond-async\r\n{told}Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body
