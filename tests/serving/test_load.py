"""What a replica says about its load."""

import asyncio
from dataclasses import dataclass

import pytest

from serving.exchange import Response
from serving.load import LoadMeter
from serving.metrics.requests import RequestMeter


@dataclass
class Hand:
    """A clock that stands until it is moved."""

    at: float = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.at


class Requests:
    """A meter of requests whose time is ours."""

    def __init__(self) -> None:
        self.clock = Hand()
        self.meter = RequestMeter(lambda model: model in ("m", "n"), self.clock)
        self.load = LoadMeter(self.meter, self.clock)
        self.load.sample()

    def take(self, seconds: float, model: str = "m") -> None:
        """Answer a request that takes so long, the clock standing otherwise."""

        async def answering() -> Response:
            self.clock.at += seconds
            return Response(b"")

        asyncio.run(self.meter.count(model, answering()))


def test_depth_is_time_taken_by_time_passed() -> None:
    """Little's law: 30 requests of 0.2 s in 12 s are half a request at any time."""
    requests = Requests()
    for _ in range(30):
        requests.take(0.2)
    requests.clock.at += 6.0
    figures = requests.load.sample()
    assert figures["queue_depth/m"] == pytest.approx(0.5)
    assert 100 < figures["p95_ms/m"] <= 250


def test_only_what_came_since_the_last_call_counts() -> None:
    """A quiet replica is quiet, whatever it went through before."""
    requests = Requests()
    for _ in range(30):
        requests.take(0.2)
    requests.load.sample()
    requests.clock.at += 5.0
    assert requests.load.sample() == {"queue_depth/m": 0.0, "p95_ms/m": 0.0}


def test_few_requests_have_no_p95() -> None:
    """One odd request is no reason for a replica."""
    requests = Requests()
    for _ in range(5):
        requests.take(3.0)
    assert requests.load.sample()["p95_ms/m"] == 0.0


def test_requests_that_do_not_end_are_a_queue_too() -> None:
    """A replica that stands still must not look idle."""
    requests = Requests()
    requests.take(0.1)
    requests.load.sample()

    async def three_waiting() -> dict[str, float]:
        def waits() -> asyncio.Task[Response]:
            forever: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
            return asyncio.create_task(requests.meter.count("m", forever))

        waiting = [waits() for _ in range(3)]
        await asyncio.sleep(0)
        requests.clock.at += 1.0
        found = requests.load.sample()
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return found

    assert asyncio.run(three_waiting())["queue_depth/m"] == 3.0


def test_names_that_are_not_served_are_no_load() -> None:
    """A client may ask for any name."""
    requests = Requests()
    requests.take(0.1, model="made-up")
    assert requests.load.sample() == {}
