"""A request with an idempotency key is answered once, however often and wherever it is sent.

docs/adr/0006-idempotency.md says why each step is where it is, and what a crash after it leaves behind.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from lifecycle.idempotency_policy import IdempotencyPolicy
from serving.claim import Claim as ClaimedRequest
from serving.exchange import Response, problem_response
from serving.idempotency.book import LEASE_SECONDS, Book
from serving.idempotency.keys import Asked, asked_by
from serving.idempotency.problems import REPLAYED, is_final, replay_of, reused, still_running, to_keep
from serving.predicting import Request
from serving.problem import problem_of
from stores.ledger.key_operations import Claim, Looking
from stores.prediction_log.claimed import ClaimedRow

Compute = Callable[[Request], Awaitable[Response]]

FIRST_POLL_SECONDS = 0.01
LONGEST_POLL_SECONDS = 0.2
MS_PER_SECOND = 1000
ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A request that this replica answers: what it asks, and its response with whether that was given before."""

    fingerprint: str
    task: asyncio.Task[tuple[Response, bool]]


@dataclass(frozen=True, slots=True)
class _Work:
    """Everything that one keyed request is answered with."""

    asked: Asked
    request: Request
    policy: IdempotencyPolicy
    compute: Compute


@dataclass
class Once:
    """Answers keyed requests; `replayed` is told the model of each that got an answer which was given before."""

    book: Book
    replayed: Callable[[str], None] = lambda _: None
    monotonic: Callable[[], float] = time.perf_counter
    _under_way: dict[str, _UnderWay] = field(default_factory=dict)

    async def answer(self, request: Request, key: bytes, policy: IdempotencyPolicy, compute: Compute) -> Response:
        """Return the response to a request, computed at most once; raises what computing it raises.

        Raises Refused: 400 for a key that cannot be one, 422 for one that another request has used, 409 when the first
        is still under way after the policy's wait, 503 when the ledger is away.
        """
        asked = asked_by(request, key)
        under_way = self._under_way.get(asked.digest)
        if under_way is None:
            response, before = await self._begin(_Work(asked, request, policy, compute))
        else:
            response, before = await self._join(under_way, asked, policy), True
        if before:
            self.replayed(request.model)
        return response

    async def _begin(self, work: _Work) -> tuple[Response, bool]:
        digest = work.asked.digest
        # A task of its own: the caller may hang up, and others may wait for the same by then.
        task = asyncio.create_task(self._answer(work))
        self._under_way[digest] = _UnderWay(work.asked.fingerprint, task)

        def done(ended: asyncio.Task[tuple[Response, bool]]) -> None:
            del self._under_way[digest]
            if not ended.cancelled():
                # Looked at, so that asyncio does not report what the caller was told.
                ended.exception()

        task.add_done_callback(done)
        return await asyncio.shield(task)

    async def _join(self, under_way: _UnderWay, asked: Asked, policy: IdempotencyPolicy) -> Response:
        if under_way.fingerprint != asked.fingerprint:
            raise reused()
        try:
            response, before = await asyncio.wait_for(asyncio.shield(under_way.task), policy.wait_ms / MS_PER_SECOND)
        except TimeoutError as error:
            raise still_running(policy.wait_ms) from error
        return response if before else replace(response, headers=(*response.headers, REPLAYED))

    async def _answer(self, work: _Work) -> tuple[Response, bool]:
        """Return the response, and whether it was given before."""
        deadline = self.monotonic() + work.policy.wait_ms / MS_PER_SECOND
        poll = FIRST_POLL_SECONDS
        mine = self.book.draw(work.asked.digest, work.asked.fingerprint, work.policy.keep_hours)
        standing = await self.book.claim(mine)
        while True:
            if standing is None:
                # Given back unanswered, or its time was over.
                mine = self.book.draw(work.asked.digest, work.asked.fingerprint, work.policy.keep_hours)
                standing = await self.book.claim(mine)
                continue
            if standing.fingerprint != work.asked.fingerprint:
                raise reused()
            if standing.answer is not None:
                return replay_of(standing.answer), True
            if standing.claim == mine.claim and standing.owner == mine.owner:
                return await self._run(work, standing, ()), False
            taken = await self.book.take_over(standing)
            if taken is not None:
                if taken.answer is None and taken.owner == self.book.owner:
                    rows = await self.book.logged(taken)
                    if all(row.outcome == ANSWERED for row in rows):
                        return await self._run(work, taken, rows), bool(rows)
                    # What was logged is a failure, which is never kept: the next try is a new one.
                    await self.book.release(taken)
                    taken = None
                standing = taken
                continue
            if self.monotonic() > deadline:
                raise still_running(work.policy.wait_ms)
            await asyncio.sleep(poll)
            poll = min(2 * poll, LONGEST_POLL_SECONDS)
            standing = await self.book.look(Looking(standing))

    async def _run(self, work: _Work, held: Claim, logged: Sequence[ClaimedRow]) -> Response:
        """Compute under a claim, store what is final, and give the key back otherwise."""
        claim = ClaimedRequest(held.claim, self.monotonic() + LEASE_SECONDS / 2, logged)
        try:
            response = await work.compute(replace(work.request, claim=claim))
        except Exception as error:
            problem = problem_of(error)
            if is_final(problem.status):
                await self._store(work, held, problem_response(problem))
            else:
                await self.book.release(held)
            raise
        await self._store(work, held, response)
        return response if not logged else replace(response, headers=(*response.headers, REPLAYED))

    async def _store(self, work: _Work, held: Claim, response: Response) -> None:
        if not await self.book.complete(held, to_keep(response, work.policy.max_answer_bytes)):
            # Taken over from another place, after this one was silent for longer than its lease.
            raise still_running(work.policy.wait_ms)
