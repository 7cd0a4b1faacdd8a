"""How answers leave the process."""

import asyncio
from typing import Any

import uvicorn
from uvicorn.config import HTTP_PROTOCOLS

from serving.http_protocol import UNWATCHED, use_gateway_protocol


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer in the two messages of ASGI, with the headers that came."""
    seen = UNWATCHED in scope["headers"]
    body = b"x" * 3000 + str(seen).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def pieces(requests: int) -> list[bytes]:
    """Return what arrives, read by read, for requests over one connection that the server closes."""
    server = uvicorn.Server(uvicorn.Config(application, port=0, lifespan="off", log_config=None))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers nothing to wait for
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    read = []
    for number in range(requests):
        last = b"Connection: close\r\n" if number == requests - 1 else b""
        writer.write(b"GET / HTTP/1.1\r\nHost: gateway\r\n" + last + b"\r\n")
        read.append(await reader.read(65536))
    assert await reader.read() == b""
    writer.close()
    server.should_exit = True
    await task
    return read


def test_head_and_body_arrive_together_and_ray_is_told_not_to_watch() -> None:
    """Also when the connection is closed right after the answer."""
    standing = HTTP_PROTOCOLS["auto"]
    use_gateway_protocol()
    try:
        read = asyncio.run(pieces(20))
    finally:
        HTTP_PROTOCOLS["auto"] = standing
    assert all(piece.startswith(b"HTTP/1.1 200") and piece.endswith(b"True") for piece in read)
