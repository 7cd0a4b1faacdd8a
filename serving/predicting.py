"""From a request for predictions to its answer: who asks, what for, and who computes it."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from serving.answer import Answer, Ask
from serving.caller import Caller
from serving.contracts import read
from serving.dialects import Dialect, Spoken
from serving.doors.door import Door
from serving.exchange import Headers, Receive, Response, read_body
from serving.models import Lane, Models, ServedModel
from serving.problem import Refused

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
    door: Door = field(default_factory=Door)
    monotonic: Callable[[], float] = time.perf_counter

    async def answer(
        self, dialect: Dialect, model: str, version: str | None, headers: Headers, receive: Receive
    ) -> Response:
        """Return the response to a request as it comes in; who is turned away is so before the body is read."""
        caller = self.door.enter(headers)
        try:
            served, lane = self.models.lane(model, version)
            (lane.batcher if version is None else lane.strict).require_room(caller.priority)
            self.door.take(caller)
            dialect.check(headers)
            reading = read_body(headers, receive, served.policy.serving.max_body_bytes)
            body = await self.door.bodies.within(reading)
            return await self.compute(Request(dialect, model, version, headers, caller, body))
        except Refused as error:
            if error.problem.retry_after is not None:
                self.door.refusals.count(caller, error.problem.kind)
            raise

    async def compute(self, request: Request) -> Response:
        """Return the response to a request that is here whole."""
        priority = request.caller.priority
        _, lane = self.models.lane(request.model, request.version)
        turnstile = (lane.batcher if request.version is None else lane.strict).turnstile
        if turnstile.is_open(priority):
            spoken, answer = self._submit(request, 0.0)
        else:
            began = self.monotonic()
            await turnstile.wait(priority)
            try:
                spoken, answer = self._submit(request, self.monotonic() - began)
            finally:
                turnstile.leave()
        return spoken.write(await answer)

    def _submit(self, request: Request, waited: float) -> tuple[Spoken, Awaitable[Answer]]:
        """Return a request read, and its answer to come; it has `waited` so many seconds to be read."""
        # Asked for only now: what took its time must not be answered by a version taken back meanwhile.
        served, lane = self.models.lane(request.model, request.version)
        began = self.monotonic()
        spoken, rows, original = read(request.dialect, request.headers, request.body, lane.contracts)
        now = self.monotonic()
        ask = Ask(
            rows,
            request.headers.get(b"x-request-id", b"").decode("latin-1")[:REQUEST_ID_CHARACTERS],
            decode_us=int((now - began) * MICROSECONDS),
            submitted=now - waited,
            caller=request.caller,
            original=original,
        )
        return spoken, _answer(served, lane, ask, named=request.version is not None)


def _answer(served: ServedModel, lane: Lane, ask: Ask, *, named: bool) -> Awaitable[Answer]:
    if named:
        return lane.strict.submit(ask)
    return lane.batcher.submit(ask) if served.trial is None else served.trial.answer(ask)
