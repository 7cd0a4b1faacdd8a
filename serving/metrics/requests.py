"""Counts requests while they are answered; per request this costs less than a microsecond."""

import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from serving.exchange import ClientGone, Response
from serving.metrics.figures import Figures
from serving.metrics.served_families import (
    PROBLEMS,
    REPLAYS,
    REQUEST_DURATION,
    REQUEST_SECONDS,
    REQUESTS,
    RETRIES,
    SHARED,
)
from serving.problem import problem_of

UNKNOWN = ""
"""The label of a model that is not served here: a client may ask for any name."""
OK = 200
CLIENT_GONE = 499
"""What nginx calls a request whose caller hung up; nobody was answered."""


@dataclass
class _OfModel:
    """One model's requests; `buckets` has a count per bound and one above them all."""

    statuses: dict[int, int] = field(default_factory=lambda: {OK: 0})
    problems: dict[str, int] = field(default_factory=dict)
    buckets: list[int] = field(default_factory=lambda: [0] * (len(REQUEST_SECONDS) + 1))
    seconds: float = 0.0
    in_flight: int = 0
    retries: int = 0
    shared: int = 0
    replays: int = 0


class RequestMeter:
    """What this replica has been asked since it started. Counted on the event loop, read on any thread."""

    def __init__(self, known: Callable[[str], bool], monotonic: Callable[[], float] = time.perf_counter) -> None:
        self._known = known
        self._monotonic = monotonic
        self._models: dict[str, _OfModel] = {}

    async def count(self, model: str, answering: Awaitable[Response]) -> Response:
        """Return what is answered, or raise what is raised, and count it under the model's name."""
        began = self._monotonic()
        mine = self._models.get(model) or self._first(model)
        mine.in_flight += 1
        status = CLIENT_GONE
        try:
            response = await answering
            status = response.status
        except ClientGone:
            raise
        except Exception as error:
            problem = problem_of(error)
            status = problem.status
            mine.problems[problem.kind] = mine.problems.get(problem.kind, 0) + 1
            raise
        finally:
            elapsed = self._monotonic() - began
            mine.in_flight -= 1
            mine.statuses[status] = mine.statuses.get(status, 0) + 1
            mine.buckets[bisect_left(REQUEST_SECONDS, elapsed)] += 1
            mine.seconds += elapsed
        return response

    def retried(self, model: str) -> None:
        """Count a request that is tried again by itself."""
        mine = self._models.get(model) or self._first(model)
        mine.retries += 1

    def shared(self, model: str) -> None:
        """Count a request that was given the answer of one like it."""
        mine = self._models.get(model) or self._first(model)
        mine.shared += 1

    def replayed(self, model: str) -> None:
        """Count a request that was given the answer which its idempotency key had before."""
        mine = self._models.get(model) or self._first(model)
        mine.replays += 1

    def counters(self) -> Figures:
        """Return the counts so far."""
        figures = Figures()
        for model, mine in list(self._models.items()):
            for status, count in list(mine.statuses.items()):
                figures.add(REQUESTS, (model, str(status)), [count])
            for kind, count in list(mine.problems.items()):
                figures.add(PROBLEMS, (model, kind), [count])
            figures.add(RETRIES, (model,), [mine.retries])
            figures.add(SHARED, (model,), [mine.shared])
            figures.add(REPLAYS, (model,), [mine.replays])
            figures.add(REQUEST_DURATION, (model,), [*mine.buckets, mine.seconds])
        return figures

    def durations(self) -> dict[str, tuple[list[int], float]]:
        """Return how many requests took how long so far, by model: counts by REQUEST_SECONDS, and their sum in seconds.

        Names of models that are not served here are left out.
        """
        return {name: ([*mine.buckets], mine.seconds) for name, mine in list(self._models.items()) if name != UNKNOWN}

    def in_flight(self) -> dict[str, int]:
        """Return how many requests are being answered, by model."""
        return {model: mine.in_flight for model, mine in list(self._models.items())}

    def _first(self, model: str) -> _OfModel:
        name = model if self._known(model) else UNKNOWN
        return self._models.setdefault(name, _OfModel())
