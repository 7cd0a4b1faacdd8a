"""uvicorn's HTTP protocol as a gateway behind a proxy wants it.

Answers leave in one piece: uvicorn writes an answer's head and its body one after the other, and a replica
that is killed in between has sent half an answer, which no proxy can take back and replay. Here what is
written within one turn of the event loop is sent at its end, in one call.

Ray does not watch for callers that hang up: the watch costs a task and a queue per request, and an answer
takes less time than calling it off would save.
"""

import asyncio
from typing import Any

from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

AUTO = "auto"
UNWATCHED = (b"x-request-disconnect-disabled", b"?1")
"""Ray's own request header for it, SERVE_HTTP_REQUEST_DISCONNECT_DISABLED_HEADER."""


def use_gateway_protocol() -> None:
    """Make every uvicorn server that this process starts from here on speak GatewayProtocol."""
    # Ray starts uvicorn without a way to choose the protocol, so the default is what can be changed.
    HTTP_PROTOCOLS[AUTO] = f"{__name__}:{GatewayProtocol.__name__}"


class GatewayProtocol(HttpToolsProtocol):
    """HTTP/1.1 on a transport that gathers writes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection."""
        gathering: Any = GatheringTransport(transport, self.loop)
        super().connection_made(gathering)

    def on_headers_complete(self) -> None:
        """Begin a request."""
        self.headers.append(UNWATCHED)
        super().on_headers_complete()


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
