"""The load is even, waits count from when a request was due, and every answer but 200 is a failure."""

import asyncio
import time
from itertools import count
from typing import Any

from tests.bench.shadow.pace import pace


def test_every_answer_but_200_is_a_failure() -> None:
    """Each third request is refused here."""
    numbers = count()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["body"] == b"{}"
        status = 503 if next(numbers) % 3 == 0 else 200
        await send({"type": "http.response.start", "status": status})
        await send({"type": "http.response.body", "body": b""})

    paced = asyncio.run(pace(application, "/", b"{}", per_second=300, seconds=0.1))
    assert len(paced.milliseconds) == 30
    assert paced.failed == 10


def test_request_that_had_to_wait_its_turn_is_timed_from_when_it_was_due() -> None:
    """A pause of the server's loop counts for all requests that were due in it, not for the one it met."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if not paused:
            paused.append(1)
            time.sleep(0.1)  # noqa: ASYNC251 - a loop that is held up
        await send({"type": "http.response.start", "status": 200})

    paused: list[int] = []
    paced = asyncio.run(pace(application, "/", b"", per_second=100, seconds=0.2))
    assert sum(took > 30 for took in paced.milliseconds) >= 5
