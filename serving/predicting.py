"""From a request for predictions to its answer: who asks, what for, and who computes it."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from lifecycle.idempotency_policy import IdempotencyPolicy
from serving.answer import Ask
from serving.caller import ANYBODY, Caller
from serving.claim import Claim
from serving.dialects import Dialect
from serving.exchange import Headers, Receive, Response, read_body
from serving.idempotency.resuming import resume
from serving.models import Models
from serving.problem import refused
from serving.sharing import Sharing

IDEMPOTENCY_KEY = b"idempotency-key"

REQUEST_ID_CHARACTERS = 128
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Request:
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

    Without `keyed`, a request with an idempotency key is refused.
    """

    models: Models
    monotonic: Callable[[], float] = time.perf_counter
    sharing: Sharing = field(default_factory=Sharing)
    keyed: Keyed | None = None

    async def answer(
        self, dialect: Dialect, model: str, version: str | None, headers: Headers, receive: Receive
    ) -> Response:
        """Return the response to a request as it comes in."""
        served, _ = self.models.lane(model, version)
        dialect.check(headers)
        body = await read_body(headers, receive, served.policy.serving.max_body_bytes)
        return await self._once(Request(dialect, model, version, headers, ANYBODY, body), served.policy.idempotency)

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
            claim=request.claim,
        )
        trial = None if request.version else served.trial
        submit = lane.batcher.submit if trial is None else trial.answer
        if request.claim is not None and request.claim.logged:
            return spoken.write(await resume(ask, served.definition, submit))
        return spoken.write(await submit(ask))
