"""From a request for predictions to its answer: who asks, what for, and who computes it."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from lifecycle.idempotency_policy import IdempotencyPolicy
from serving.answer import Answer, Ask
from serving.cache.control import cache_control
from serving.caller import Caller
from serving.claim import Claim
from serving.contracts import read
from serving.dialects import Dialect, Spoken
from serving.doors.door import Door
from serving.exchange import Headers, Receive, Response, read_body
from serving.idempotency.resuming import resume
from serving.jobs.preference import wants_later
from serving.models import Lane, Models, ServedModel
from serving.problem import Refused, refused
from serving.sharing import Sharing

IDEMPOTENCY_KEY = b"idempotency-key"

REQUEST_ID_CHARACTERS = 128
MICROSECONDS = 1_000_000


class Request(msgspec.Struct, frozen=True, gc=False):
    """One request for predictions, whole; `version` is None for whichever the plan has answer.

    `claim` is what a request with an idempotency key is answered under.
    """

    dialect: Dialect
    model: str
    version: str | None
    headers: Headers
    caller: Caller
    body: bytes
    claim: Claim | None = None


class Keyed(Protocol):
    """Answers requests that come with an idempotency key."""

    async def answer(
        self,
        request: Request,
        key: bytes,
        policy: IdempotencyPolicy,
        compute: Callable[[Request], Awaitable[Response]],
    ) -> Response:
        """Return the response to a request, computed at most once for its key."""
        ...


@dataclass
class Predicting:
    """Answers requests for predictions from the models; `monotonic` is in seconds.

    `later` takes requests that are to be answered later; without it every request is answered at once. Without `keyed`,
    a request with an idempotency key is refused.
    """

    models: Models
    door: Door = field(default_factory=Door)
    later: Callable[[Request], Awaitable[Response]] | None = None
    monotonic: Callable[[], float] = time.perf_counter
    sharing: Sharing = field(default_factory=Sharing)
    keyed: Keyed | None = None

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
            request = Request(dialect, model, version, headers, caller, body)
            if self.later is not None and wants_later(headers):
                return await self.later(request)
            return await self._once(request, served.policy.idempotency)
        except Refused as error:
            if error.problem.retry_after is not None:
                self.door.refusals.count(caller, error.problem.kind)
            raise

    async def _once(self, request: Request, policy: IdempotencyPolicy) -> Response:
        """Return the response to a request, which may be one that another request is given, too."""
        key = request.headers.get(IDEMPOTENCY_KEY)
        if key is None:
            alike = policy.share_identical
            return await (self.sharing.answer(request, self.compute) if alike else self.compute(request))
        if self.keyed is None:
            raise refused(501, "no-idempotency", "This gateway has no ledger to keep keys in; send it without a key.")
        return await self.keyed.answer(request, key, policy, self.compute)

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
        fresh, unkept = cache_control(request.headers) if served.policy.serving.cache is not None else (False, False)
        downgraded = served.budget is not None and served.budget.downgrades(request.caller, request.version)
        ask = Ask(
            rows,
            request.headers.get(b"x-request-id", b"").decode("latin-1")[:REQUEST_ID_CHARACTERS],
            decode_us=int((now - began) * MICROSECONDS),
            submitted=now - waited,
            caller=request.caller,
            original=original,
            fresh=fresh,
            unkept=unkept,
            downgraded=downgraded,
            claim=request.claim,
        )
        named = request.version is not None
        if request.claim is not None and request.claim.logged:
            return spoken, resume(ask, served.definition, lambda rest: _answer(served, lane, rest, named=named))
        return spoken, _answer(served, lane, ask, named=named)


def _answer(served: ServedModel, lane: Lane, ask: Ask, *, named: bool) -> Awaitable[Answer]:
    if named:
        return lane.strict.submit(ask)
    # Cheap answers are the champion's lane's.
    trial = None if ask.downgraded else served.trial
    return lane.batcher.submit(ask) if trial is None else trial.answer(ask)
