"""One HTTP exchange in ASGI terms: reading a bounded body, sending an answer."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TypeAlias

import msgspec

from serving.problem import CONTENT_TYPE as PROBLEM
from serving.problem import Problem, refused

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Headers: TypeAlias = Mapping[bytes, bytes]

JSON = b"application/json"
OCTETS = b"application/octet-stream"
HTML = b"text/html; charset=utf-8"


class ClientGone(Exception):
    """The caller hung up before the request was complete; there is nobody to answer."""


class Response(msgspec.Struct, frozen=True, gc=False):
    """An answer to send; `headers` come on top of type and length."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


def problem_response(problem: Problem) -> Response:
    """Return the answer that carries a problem document."""
    headers = problem.headers
    if problem.retry_after is not None:
        headers = (*headers, (b"retry-after", str(problem.retry_after).encode()))
    return Response(problem.body(), problem.status, PROBLEM, headers)


async def read_body(headers: Headers, receive: Receive, max_bytes: int) -> bytes:
    """Return the request's body; raises Refused with 413 above `max_bytes`, ClientGone on a hang-up."""
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > max_bytes:
        raise _too_large(int(declared), max_bytes)
    message = await receive()
    body: bytes = message.get("body", b"")
    while message["type"] == "http.request" and message.get("more_body", False):
        if len(body) > max_bytes:
            raise _too_large(len(body), max_bytes)
        message = await receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise ClientGone
    if len(body) > max_bytes:
        raise _too_large(len(body), max_bytes)
    return body


async def send_response(send: Send, response: Response) -> None:
    """Send an answer whole."""
    headers = [
        (b"content-type", response.content_type),
        (b"content-length", str(len(response.body)).encode()),
        *response.headers,
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


def _too_large(size: int, max_bytes: int) -> Exception:
    detail = f"The body has {size} bytes or more; allowed: {max_bytes}. Send fewer rows per request."
    return refused(413, "body-too-large", detail)
