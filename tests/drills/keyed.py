"""Clients that send each request several times with one key, and again until they have an answer."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

SEND_AGAIN = (409, 500, 502, 503, 504)
"""What a client is told to come back for, or gets from a proxy whose replicas are gone."""
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.1


@dataclass
class Keyed:
    """Posts bodies under keys to an address; `answers` has every final response, by key.

    A response of SEND_AGAIN and a broken connection are counted in `again`, and the request is sent once more.
    """

    address: str
    answers: dict[str, list[httpx.Response]] = field(default_factory=dict)
    again: Counter[str] = field(default_factory=Counter)

    async def send(self, bodies: Sequence[tuple[str, bytes]], times: int) -> None:
        """Send each body so many times at the same moment, all of them together."""
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS, limits=limits) as client:
            await asyncio.gather(*(self._one(client, key, body) for key, body in bodies for _ in range(times)))

    async def _one(self, client: httpx.AsyncClient, key: str, body: bytes) -> None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = await client.post(self.address, content=body, headers=headers)
            except httpx.TransportError as error:
                self.again[type(error).__name__] += 1
            else:
                if answer.status_code not in SEND_AGAIN:
                    self.answers.setdefault(key, []).append(answer)
                    return
                self.again[str(answer.status_code)] += 1
            await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError(f"no answer for {key} within {PATIENCE_SECONDS} s; sent again for {dict(self.again)}")
