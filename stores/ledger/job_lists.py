"""Jobs and deliveries as a whole: listed, counted, and forgotten when their time is over."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, delete, exists, func, select

from lifecycle.jobs import DeliveryState, JobState
from stores.ledger.job_records import Job
from stores.ledger.job_rows import SEEN, job_of
from stores.ledger.jobs_schema import deliveries, jobs

FORGET_AT_ONCE = 1000


@dataclass(frozen=True)
class Standing:
    """How many jobs of a model are open, since when the oldest of them waits, and how its messages stand."""

    waiting: int
    running: int
    oldest_at: datetime | None
    undelivered: int
    dead: int


class JobLists:
    """What people and dashboards see of all jobs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(
        self, limit: int, model: str | None = None, state: JobState | None = None, tenant: str | None = None
    ) -> tuple[Job, ...]:
        """Return the jobs that were enqueued last, newest first: of one model, in one state, of one tenant."""
        wanted = select(*SEEN)
        for column, value in ((jobs.c.model, model), (jobs.c.state, state), (jobs.c.tenant, tenant)):
            if value is not None:
                wanted = wanted.where(column == value)
        newest = wanted.order_by(jobs.c.enqueued_at.desc(), jobs.c.job_id.desc()).limit(limit)
        with self._engine.connect() as connection:
            return tuple(job_of(row) for row in connection.execute(newest))

    def standing(self, model: str) -> Standing:
        """Return how a model's jobs stand."""
        counted = select(jobs.c.state, func.count(), func.min(jobs.c.enqueued_at))
        open_ = counted.where(jobs.c.model == model, jobs.c.due_at.isnot(None)).group_by(jobs.c.state)
        told = select(deliveries.c.state, func.count()).where(deliveries.c.model == model)
        undelivered = told.where(deliveries.c.state != DeliveryState.DELIVERED).group_by(deliveries.c.state)
        with self._engine.connect() as connection:
            rows = {state: (count, since) for state, count, since in connection.execute(open_)}
            messages = {state: int(count) for state, count in connection.execute(undelivered)}
        return Standing(
            waiting=rows.get(JobState.WAITING, (0, None))[0],
            running=rows.get(JobState.RUNNING, (0, None))[0],
            oldest_at=min((since for _, since in rows.values()), default=None),
            undelivered=sum(count for state, count in messages.items() if state != DeliveryState.DEAD),
            dead=messages.get(DeliveryState.DEAD, 0),
        )

    def models(self) -> tuple[str, ...]:
        """Return the models that have jobs, sorted."""
        with self._engine.connect() as connection:
            return tuple(connection.scalars(select(jobs.c.model).distinct().order_by(jobs.c.model)))

    def forget(self, model: str, before: datetime) -> int:
        """Delete a model's jobs that ended before a moment, with their messages, and return how many.

        One whose message is under way, or was taken or given up since, stays.
        """
        kept = exists().where(
            deliveries.c.job_id == jobs.c.job_id,
            deliveries.c.ended_at.is_(None) | (deliveries.c.ended_at >= before),
        )
        past = select(jobs.c.job_id).where(jobs.c.model == model, jobs.c.ended_at < before, ~kept)
        forgotten = 0
        while True:
            # In small steps, so that no enqueueing waits for long.
            with self._engine.begin() as connection:
                ids = connection.scalars(past.limit(FORGET_AT_ONCE)).all()
                connection.execute(delete(deliveries).where(deliveries.c.job_id.in_(ids)))
                connection.execute(delete(jobs).where(jobs.c.job_id.in_(ids)))
            forgotten += len(ids)
            if len(ids) < FORGET_AT_ONCE:
                return forgotten
