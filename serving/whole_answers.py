"""Answers that leave the process in one piece.

uvicorn writes an answer's head and its body one after the other. A replica that is killed in between has
sent half an answer, which no proxy can take back and replay; and the proxy wakes twice for each answer. Here
what is written within one turn of the event loop is sent at its end, in one call.
"""

import asyncio
from typing import Any

from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.auto import AutoHTTPProtocol

AUTO = "auto"


def send_whole_answers() -> None:
    """Make every uvicorn server that this process starts from here on answer in one piece."""
    # Ray starts uvicorn without a way to choose the protocol, so the default is what can be changed.
    HTTP_PROTOCOLS[AUTO] = f"{__name__}:{WholeAnswers.__name__}"


class WholeAnswers(AutoHTTPProtocol):  # type: ignore[misc]
    """uvicorn's HTTP protocol on a transport that gathers writes."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin a connection."""
        super().connection_made(GatheringTransport(transport, asyncio.get_running_loop()))


class GatheringTransport:
    """A transport whose writes of one event loop turn become one; everything else is the transport's own."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        """Return what the transport itself has under a name."""
        return getattr(self._transport, name)

    def write(self, piece: bytes) -> None:
        """Send some bytes at the end of this turn."""
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(piece)

    def close(self) -> None:
        """Send what is gathered, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._pieces:
            together = b"".join(self._pieces)
            self._pieces.clear()
            self._transport.write(together)
