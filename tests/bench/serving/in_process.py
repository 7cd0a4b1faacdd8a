"""The gateway's application called without a server, for what its own Python costs."""

import asyncio
import time
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from lifecycle.errors import EvidenceMissing
from serving.gateway import open_gateway
from serving.routes import Application
from stores.settings import Settings

REPLICA = "bench-in-process"


@dataclass(frozen=True)
class Calls:
    """Microseconds that the application took per request, and the epoch seconds of the first and the last."""

    microseconds: float
    start: float
    end: float


def call_application(
    chosen: Settings, path: str, bodies: Sequence[bytes], bursts: Mapping[str, int], rounds: int
) -> dict[str, Calls]:
    """Return the medians for each named number of requests that arrive at once.

    Raises EvidenceMissing when any answer is not 2xx. What was called is in the prediction log afterwards.
    """
    application = open_gateway(chosen, REPLICA).application
    return asyncio.run(_call_all(application, path, bodies, bursts, rounds))


async def _call_all(
    application: Application, path: str, bodies: Sequence[bytes], bursts: Mapping[str, int], rounds: int
) -> dict[str, Calls]:
    done = {}
    for name, size in bursts.items():
        took = []
        start = time.time()
        for number in range(rounds):
            burst = [bodies[(number * size + offset) % len(bodies)] for offset in range(size)]
            began = time.perf_counter()
            await asyncio.gather(*(_call(application, path, body) for body in burst))
            took.append((time.perf_counter() - began) * 1e6 / size)
        done[name] = Calls(median(took), start, time.time())
    await _shut_down(application)
    return done


async def _call(application: Application, path: str, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        status = message.get("status", 200)
        if not 200 <= status < 300:
            raise EvidenceMissing(f"{path} called in process answers {status}")

    await application(scope, receive, send)


async def _shut_down(application: Application) -> None:
    async def receive() -> MutableMapping[str, Any]:
        return {"type": "lifespan.shutdown"}

    async def send(_: MutableMapping[str, Any]) -> None:
        return

    await application({"type": "lifespan"}, receive, send)
