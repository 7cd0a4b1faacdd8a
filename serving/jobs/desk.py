"""Where callers leave jobs, look after them, fetch their answers and take them back."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import TypeVar
from uuid import uuid4

from sqlalchemy.exc import SQLAlchemyError

from lifecycle.errors import InvalidInput, NotFound, TransitionRefused, Unavailable
from lifecycle.jobs import ENDED
from serving.caller import Caller
from serving.exchange import Headers, Response
from serving.jobs.document import PATH, encoded, job_document
from serving.jobs.enqueuing import LEDGER_SECONDS, Enqueuing, late
from serving.jobs.preference import RESPOND_ASYNC, REVIEW, WEBHOOK
from serving.jobs.target import read_target, resolve
from serving.models import Models
from serving.predicting import Request
from serving.problem import refused
from stores.ledger.deliveries import Deliveries
from stores.ledger.failing import in_short
from stores.ledger.job_records import Job, NewJob
from stores.ledger.jobs import Jobs, no_such_job

KEPT_HEADERS = (b"content-type", b"inference-header-content-length", b"x-request-id", REVIEW)
"""What reading the body needs, and what a caller would look for."""
LOOK_AGAIN_SECONDS = 1
RESOLVE_SECONDS = 2.0
T = TypeVar("T")


@dataclass(frozen=True)
class JobDesk:
    """Answers everything about jobs; another tenant's jobs are not there. `now` is the machine's time."""

    models: Models
    enqueuing: Enqueuing
    jobs: Jobs
    deliveries: Deliveries
    allow_private: bool
    now: Callable[[], datetime]

    async def later(self, request: Request) -> Response:
        """Return 202 with the job that a request was left as, pinned to the version that would answer it now.

        Raises what answering at once would raise for a request that cannot be read, and Refused for a webhook that no
        message may go to, when too many jobs are open, or when the caller's budget is spent.
        """
        served, lane = self.models.lane(request.model, request.version)
        if served.budget is not None:
            # It will be answered by that version and no other.
            served.budget.require_left(request.caller)
        # Read now, so that whoever made a mistake hears of it at once.
        request.dialect.read(request.headers, request.body, lane.codec)
        job = NewJob(
            job_id=_job_id(request, lane.arm.version),
            model=request.model,
            version=lane.arm.version,
            plan_revision=served.plan.revision,
            action=request.dialect.action,
            headers=_kept(request.headers),
            body=request.body,
            tenant=request.caller.tenant,
            priority=int(request.caller.priority),
            webhook=await self._webhook(request.headers),
            enqueued_at=self.now(),
        )
        await self.enqueuing.put(job, served.policy.jobs.max_waiting)
        where = f"{PATH}/{job.job_id}"
        told = {"id": job.job_id, "state": "waiting", "model": job.model, "version": job.version, "location": where}
        headers = ((b"location", where.encode()), (b"preference-applied", RESPOND_ASYNC), _look_again())
        return Response(encoded(told), 202, headers=headers)

    async def answer(self, method: str, path: str, parts: Sequence[str], caller: Caller) -> Response:
        """Return the answer to a request about one job: GET and DELETE, or GET of its result."""
        match (method, *parts):
            case ("GET", str(job_id)):
                job = await self._of(job_id, caller)
                delivery = await _in_thread(lambda: self.deliveries.of(job_id))
                return Response(encoded(job_document(job, delivery)), headers=_unless_ended(job))
            case ("GET", str(job_id), "result"):
                return await self._result(await self._of(job_id, caller))
            case ("DELETE", str(job_id)):
                return await self._cancel(await self._of(job_id, caller))
            case (_, str()) | (_, str(), "result"):
                allowed = "GET, DELETE" if len(parts) == 1 else "GET"
                detail = f"The method is {method}; allowed here: {allowed}."
                raise refused(405, "wrong-method", detail, headers=((b"allow", allowed.encode()),))
        raise refused(404, "unknown-path", f"Nothing is served at {path}; see /docs.")

    async def _of(self, job_id: str, caller: Caller) -> Job:
        try:
            job = await _in_thread(lambda: self.jobs.get(job_id))
            # Another tenant's is as if it were not there, in the very same words.
            if job.tenant != caller.tenant:
                raise no_such_job(job_id)
        except NotFound as error:
            raise refused(404, "unknown-job", str(error)) from error
        return job

    async def _result(self, job: Job) -> Response:
        answer = await _in_thread(lambda: self.jobs.answer(job.job_id))
        if answer is None:
            detail = f"Job {job.job_id} is {job.state}, and has no result{'' if job.state in ENDED else ' yet'}."
            raise refused(409, "no-result", detail, retry_after=None if job.state in ENDED else LOOK_AGAIN_SECONDS)
        headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items())
        return Response(answer.body, answer.status, answer.content_type.encode("latin-1"), headers)

    async def _cancel(self, job: Job) -> Response:
        try:
            cancelled = await _in_thread(lambda: self.jobs.cancel(job.job_id, "cancelled by its caller", self.now()))
        except TransitionRefused as error:
            raise refused(409, "job-ended", f"Job {job.job_id}: {error}.") from error
        return Response(encoded(job_document(cancelled)))

    async def _webhook(self, headers: Headers) -> str | None:
        said = headers.get(WEBHOOK)
        if said is None:
            return None
        url = said.decode("latin-1")
        try:
            target = read_target(url, allow_private=self.allow_private)
            async with asyncio.timeout(RESOLVE_SECONDS):
                await resolve(target, allow_private=self.allow_private)
        except InvalidInput as error:
            raise refused(422, "webhook-refused", str(error)) from error
        except (Unavailable, TimeoutError):
            # Names may be out of reach for a while; the name is looked up and checked again for each message.
            return url
        return url


def _job_id(request: Request, version: str) -> str:
    """Return a new name, or for a request with an idempotency key always the same one.

    The proxy sends a request again whose replica died with it in hand; with a key that cannot leave a second job.
    """
    key = request.headers.get(b"idempotency-key")
    if key is None:
        return uuid4().hex
    digest = blake2b(digest_size=16)
    tenant = request.caller.tenant
    said = (key, b"" if tenant is None else b"t" + tenant.encode(), request.model.encode(), version.encode())
    for part in (*said, request.dialect.action.encode(), request.body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _kept(headers: Headers) -> Mapping[str, str]:
    return {name.decode(): headers[name].decode("latin-1") for name in KEPT_HEADERS if name in headers}


def _look_again() -> tuple[bytes, bytes]:
    return (b"retry-after", str(LOOK_AGAIN_SECONDS).encode())


def _unless_ended(job: Job) -> tuple[tuple[bytes, bytes], ...]:
    return () if job.state in ENDED else (_look_again(),)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise Unavailable(f"the ledger cannot be reached ({in_short(error)}); check HOLDFAST_LEDGER_URL") from error


async def _in_thread(ask: Callable[[], T]) -> T:
    with _translated():
        try:
            return await asyncio.wait_for(asyncio.to_thread(ask), LEDGER_SECONDS)
        except TimeoutError as error:
            raise late() from error
