"""What becomes of a job before anybody has computed anything, and after an attempt that failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import structlog

from lifecycle.errors import Unavailable
from lifecycle.jobs import JobState, retry_seconds
from lifecycle.jobs_policy import JobsPolicy
from lifecycle.review import Reviewed
from serving.exchange import Response, problem_response
from serving.jobs.holding import Held
from serving.models import ServedModel
from serving.predicted import reason_of
from serving.problem import Problem, problem_of
from stores.ledger.job_records import Claimed, Ending, StoredAnswer

log = structlog.get_logger()
Rows: TypeAlias = Sequence[pa.RecordBatch]
SERVER_ERROR, UNAVAILABLE = 500, 503
HELD_SECONDS = 60.0
"""How often is looked whether people have said the rest; their first word wakes a job at once."""


@dataclass(frozen=True)
class Fates:
    """Ends jobs, or puts them back; `now` is the machine's time."""

    policy: JobsPolicy
    now: datetime
    rng: np.random.Generator

    def before(self, job: Claimed, served: ServedModel, stopped: bool) -> Ending | None:  # noqa: FBT001 - a claim about the job
        """Return how a job ends or is put back without an attempt; None for one to be answered now.

        `stopped` says that its version's answers are stopped on this replica.
        """
        if job.attempts > self.policy.attempts:
            last = f"; the last time: {job.reason}" if job.reason else ""
            tried = job.attempts - 1
            return self.failed(
                job, Problem(500, "given-up", f"{tried} workers took this job and none of them ended it{last}")
            )
        if self.now - job.enqueued_at > timedelta(hours=self.policy.longest_wait_hours):
            last = f"; the last time it was put back: {job.reason}" if job.reason else ""
            waited = f"no answer within {self.policy.longest_wait_hours:g} hours{last}"
            return self.failed(job, Problem(504, "waited-too-long", waited))
        if job.version not in served.lanes:
            return self._without_its_version(job, served)
        if stopped:
            return self.put_back(job, f"the answers of version {job.version} are stopped")
        return None

    def after(self, job: Claimed, error: BaseException, rows: Rows = ()) -> Ending:
        """Return how a job ends or is put back whose attempt raised an error; `rows` are what was logged of it.

        What is nobody's fault costs no attempt, as a store that is away. What nobody foresaw does.
        """
        if isinstance(error, Unavailable):
            return self.put_back(job, reason_of(error))
        problem = problem_of(error) if isinstance(error, Exception) else _internal(error)
        if problem.status == UNAVAILABLE:
            return self.put_back(job, problem.detail)
        if problem.kind == "internal-error":
            log.error("job_attempt_failed", job=job.job_id, model=job.model, error=str(error), exc_info=error)
            return self.put_back(job, reason_of(error), used=True)
        return self.failed(job, problem, rows)

    def succeeded(self, job: Claimed, response: Response, rows: Rows) -> Ending:
        """Return the end of a job that is answered; `rows` are those of the prediction log."""
        return Ending(job.job_id, job.token, JobState.SUCCEEDED, answer=stored(response), rows=rows)

    def failed(self, job: Claimed, problem: Problem, rows: Rows = ()) -> Ending:
        """Return the end of a job that will never be answered, with the problem that its caller fetches."""
        answer = stored(problem_response(problem))
        reason = f"{problem.kind}: {problem.detail}"
        return Ending(job.job_id, job.token, JobState.FAILED, reason=reason, answer=answer, rows=rows)

    def put_back(self, job: Claimed, reason: str, *, used: bool = False) -> Ending:
        """Return a job to the others, to be tried again after a while."""
        pause = retry_seconds(1, self.policy.retry_seconds, self.policy.retry_seconds, self.rng)
        due_at = self.now + timedelta(seconds=pause)
        return Ending(job.job_id, job.token, JobState.WAITING, reason=reason, due_at=due_at, used=used)

    def held(self, job: Claimed, held: Held, rows: Rows, asked: Sequence[Reviewed]) -> Ending:
        """Keep the answer to a job until people have spoken; `rows` are those of the log.

        `asked` is what people are asked; they see it at once.
        """
        reason = f"{len(held.unsure)} of its answers wait for people"
        packed = held.packed()
        return Ending(
            *(job.job_id, job.token, JobState.WAITING, reason),
            rows=rows,
            due_at=self.longest_wait(job),
            used=False,
            held=packed,
            asked=asked,
        )

    def held_on(self, job: Claimed, missing: int) -> Ending:
        """Go on holding an answer of which people have said a part."""
        reason = f"{missing} of its answers wait for people"
        due_at = min(self.longest_wait(job), self.now + timedelta(seconds=HELD_SECONDS))
        return Ending(job.job_id, job.token, JobState.WAITING, reason=reason, due_at=due_at, used=False)

    def released(self, job: Claimed, answer: StoredAnswer) -> Ending:
        """Return the end of a job whose answer was held, as nobody said anything of it in the time there is."""
        return Ending(job.job_id, job.token, JobState.SUCCEEDED, reason=None, answer=answer)

    def longest_wait(self, job: Claimed) -> datetime:
        """Return when a job's time is over."""
        return job.enqueued_at + timedelta(hours=self.policy.longest_wait_hours)

    def _without_its_version(self, job: Claimed, served: ServedModel) -> Ending:
        plan = served.plan
        if plan.revision < job.plan_revision:
            return self.put_back(job, f"this replica does not follow plan revision {job.plan_revision} yet")
        if job.version in plan.versions():
            why = served.left_out.get(job.version, "it is being loaded")
            return self.put_back(job, f"version {job.version} does not stand here: {why}")
        detail = (
            f"the job is for version {job.version} of {job.model}, which does not stand since plan revision "
            f"{plan.revision} or before (champion {served.champion}); leave it again for the version that serves now"
        )
        return self.failed(job, Problem(410, "version-gone", detail))


def stored(response: Response) -> StoredAnswer:
    """Return a response as it is kept."""
    headers: Mapping[str, str] = {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
    return StoredAnswer(response.status, response.content_type.decode("latin-1"), headers, response.body)


def _internal(error: BaseException) -> Problem:
    return Problem(SERVER_ERROR, "internal-error", type(error).__name__)
