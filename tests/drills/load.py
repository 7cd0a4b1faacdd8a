"""Load from outside: kept-alive connections that post requests at a steady pace and keep every answer."""

import asyncio
import itertools
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httptools
import msgspec

PATIENCE_SECONDS = 30.0
"""A request that has no answer after so long has failed."""


class _Prediction(msgspec.Struct):
    prediction_id: str
    version: str
    tier: str = "model"


class _Body(msgspec.Struct):
    version: str
    plan_revision: int
    predictions: list[_Prediction]


_decode = msgspec.json.Decoder(_Body).decode


@dataclass(frozen=True, slots=True)
class Answered:
    """One acknowledged request: which body it sent, and row by row what came back.

    `sent_at` and `received_at` are in `time.monotonic` seconds; the second is when the last byte was here.
    """

    number: int
    sent_at: float
    received_at: float
    plan_revision: int
    versions: Sequence[str]
    prediction_ids: Sequence[str]
    tiers: Sequence[str]

    @property
    def seconds(self) -> float:
        """Return how long the client waited."""
        return self.received_at - self.sent_at


class Load:
    """Posts `bodies` in turn over `connections` until it is left; a `per_second` of None is as fast as answers come.

    Each connection waits for its answer before it sends again. `failures` says what became of every request that got
    anything but an answer of status 2xx: another status, a connection that closed under it, or silence.
    """

    def __init__(
        self,
        address: tuple[str, int],
        path: str,
        bodies: Iterable[bytes],
        connections: int,
        per_second: float | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.answered: list[Answered] = []
        self.failures: list[str] = []
        self._address = address
        said = {"Host": f"{address[0]}:{address[1]}", "Content-Type": "application/json"} | dict(headers or {})
        self._head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in said.items())
        self._bodies = enumerate(bodies)
        self._connections = connections
        self._every_seconds = 0.0 if per_second is None else connections / per_second
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def join(self) -> None:
        """Wait until every body has been sent and answered."""
        self._thread.join()

    async def _run(self) -> None:
        starts = (n * self._every_seconds / self._connections for n in range(self._connections))
        await asyncio.gather(*(self._connection(start) for start in starts))

    async def _connection(self, start_seconds: float) -> None:
        loop = asyncio.get_running_loop()
        following = loop.time() + start_seconds
        line: Line | None = None
        for number, body in self._bodies:
            await asyncio.sleep(max(0.0, following - loop.time()))
            following = max(following + self._every_seconds, loop.time())
            if line is None or line.closed:
                line = await self._open(loop)
            if line is not None:
                await self._ask(line, number, body)
            if self._stopping.is_set():
                break
        if line is not None:
            line.close()

    async def _open(self, loop: asyncio.AbstractEventLoop) -> "Line | None":
        try:
            _, line = await loop.create_connection(Line, *self._address)
        except OSError as error:
            self.failures.append(f"no connection: {error}")
            return None
        return line

    async def _ask(self, line: "Line", number: int, body: bytes) -> None:
        sent_at = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                status, said = await line.ask(f"{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        except (OSError, TimeoutError) as error:
            self.failures.append(f"after {time.monotonic() - sent_at:.3f} s: {type(error).__name__} {error}")
            line.close()
            return
        received_at = time.monotonic()
        if not 200 <= status < 300:
            self.failures.append(f"after {received_at - sent_at:.3f} s: {status} {said[:300]!r}")
            return
        answer = _decode(said)
        versions = [one.version for one in answer.predictions]
        ids = [one.prediction_id for one in answer.predictions]
        tiers = [one.tier for one in answer.predictions]
        self.answered.append(Answered(number, sent_at, received_at, answer.plan_revision, versions, ids, tiers))


class Line(asyncio.Protocol):
    """One connection, which has one request under way at most; closed between two, it is simply opened again.

    `headers` are those of the newest answer.
    """

    def __init__(self) -> None:
        self.closed = False
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self.headers: dict[bytes, bytes] = {}

    def ask(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Send a request; the future gives status and body, or raises ConnectionError."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._pieces = []
        self.headers = {}
        if self._transport is None or self.closed:
            self._waiting.set_exception(ConnectionResetError("closed before the request was sent"))
        else:
            self._transport.write(request)
        return self._waiting

    def close(self) -> None:
        """Close the connection."""
        self.closed = True
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (asyncio's hook)."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Read what came (asyncio's hook)."""
        with suppress(httptools.HttpParserUpgrade):
            self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits (asyncio's hook)."""
        self.closed = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionResetError(f"closed under the request: {exc}"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header of the answer (the parser's hook)."""
        self.headers[name.lower()] = value

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body (the parser's hook)."""
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """Hand the answer over (the parser's hook)."""
        if not self._parser.should_keep_alive():
            self.close()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result((self._parser.get_status_code(), b"".join(self._pieces)))


def endless(bodies: Sequence[bytes]) -> Iterator[bytes]:
    """Return the bodies over and over."""
    return itertools.cycle(bodies)
