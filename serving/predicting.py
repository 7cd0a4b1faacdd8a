"""From a request for predictions to its answer: who asks, what for, and who computes it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from serving.answer import Ask
from serving.cache.control import cache_control
from serving.caller import ANYBODY, Caller
from serving.dialects import Dialect
from serving.exchange import Headers, Receive, Response, read_body
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
    """Answers requests for predictions from the models; `monotonic` is in seconds."""

    models: Models
    monotonic: Callable[[], float] = time.perf_counter

    async def answer(
        self, dialect: Dialect, model: str, version: str | None, headers: Headers, receive: Receive
    ) -> Response:
        """Return the response to a request as it comes in."""
        served, _ = self.models.lane(model, version)
        dialect.check(headers)
        body = await read_body(headers, receive, served.policy.serving.max_body_bytes)
        return await self.compute(Request(dialect, model, version, headers, ANYBODY, body))

    async def compute(self, request: Request) -> Response:
        """Return the response to a request that is here whole."""
        # Asked for only now: a body that took its time must not be answered by a version taken back meanwhile.
        served, lane = self.models.lane(request.model, request.version)
        began = self.monotonic()
        spoken = request.dialect.read(request.headers, request.body, lane.codec)
        now = self.monotonic()
        fresh, unkept = cache_control(request.headers)
        downgraded = served.budget is not None and served.budget.downgrades(request.caller, request.version)
        ask = Ask(
            spoken.rows,
            request.headers.get(b"x-request-id", b"").decode("latin-1")[:REQUEST_ID_CHARACTERS],
            decode_us=int((now - began) * MICROSECONDS),
            submitted=now,
            caller=request.caller,
            fresh=fresh,
            unkept=unkept,
            downgraded=downgraded,
        )
        # Cheap answers are the champion's lane's.
        trial = None if request.version or downgraded else served.trial
        answer = await (lane.batcher.submit(ask) if trial is None else trial.answer(ask))
        return spoken.write(answer)
