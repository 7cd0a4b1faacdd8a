"""Requests at a steady pace, each timed from the moment it was due."""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Application: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI application."""


@dataclass(frozen=True)
class Paced:
    """Milliseconds from each request's due time to its answer, and how many were not answered with 2xx."""

    milliseconds: list[float]
    failed: int


async def pace(application: Application, path: str, body: bytes, per_second: float, seconds: float) -> Paced:
    """Post a body again and again whether or not earlier ones are answered, as independent users do."""
    loop = asyncio.get_running_loop()
    first = loop.time()
    tasks = []
    for number in range(int(per_second * seconds)):
        due = first + number / per_second
        await asyncio.sleep(max(0.0, due - loop.time()))
        tasks.append(asyncio.create_task(_one(application, path, body, due)))
    outcomes = await asyncio.gather(*tasks)
    return Paced([took for took, _ in outcomes], sum(not answered for _, answered in outcomes))


async def _one(application: Application, path: str, body: bytes, due: float) -> tuple[float, bool]:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    statuses: list[int] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if "status" in message:
            statuses.append(message["status"])

    await application(scope, receive, send)
    return (time.monotonic() - due) * 1000, statuses[:1] == [200]
