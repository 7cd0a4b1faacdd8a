"""From a request for predictions to its answer: who asks, what for, and who computes it."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from serving.answer import Ask
from serving.caller import ANYBODY, Caller
from serving.dialects import Dialect
from serving.exchange import Headers, Receive, Response, read_body
from serving.jobs.preference import wants_later
from serving.models import Models

REQUEST_ID_CHARACTERS = 128
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Request:
    """One request for predictions, whole; `version` is None for whichever the plan has answer."""

    dialect: Dialect
    model: str
    version: str | None
    headers: Headers
    caller: Caller
    body: bytes


@dataclass
class Predicting:
    """Answers requests for predictions from the models; `monotonic` is in seconds.

    `later` takes requests that are to be answered later; without it every request is answered at once.
    """

    models: Models
    later: Callable[[Request], Awaitable[Response]] | None = None
    monotonic: Callable[[], float] = time.perf_counter

    async def answer(
        self, dialect: Dialect, model: str, version: str | None, headers: Headers, receive: Receive
    ) -> Response:
        """Return the response to a request as it comes in."""
        served, _ = self.models.lane(model, version)
        dialect.check(headers)
        body = await read_body(headers, receive, served.policy.serving.max_body_bytes)
        request = Request(dialect, model, version, headers, ANYBODY, body)
        if self.later is not None and wants_later(headers):
            return await self.later(request)
        return await self.compute(request)

    async def compute(self, request: Request) -> Response:
        """Return the response to a request that is here whole."""
        # Asked for only now: a body that took its time must not be answered by a version taken back meanwhile.
        served, lane = self.models.lane(request.model, request.version)
        began = self.monotonic()
        spoken = request.dialect.read(request.headers, request.body, lane.codec)
        now = self.monotonic()
        ask = Ask(
            spoken.rows,
            request.headers.get(b"x-request-id", b"").decode("latin-1")[:REQUEST_ID_CHARACTERS],
            decode_us=int((now - began) * MICROSECONDS),
            submitted=now,
            caller=request.caller,
        )
        trial = None if request.version else served.trial
        answer = await (lane.batcher.submit(ask) if trial is None else trial.answer(ask))
        return spoken.write(answer)
