"""Jobs: stored once, held by one worker at a time, ended once.

A worker that was slower than its lease writes with a token that is no longer the job's, and nothing of it is stored.
Times are the machine's.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from lifecycle.errors import NotFound
from lifecycle.jobs import JobState, job_sources, require_move
from stores.ledger.deliveries import open_delivery
from stores.ledger.job_log import keep_rows
from stores.ledger.job_records import Claimed, Ending, Job, NewJob, StoredAnswer
from stores.ledger.job_rows import CLAIMED, SEEN, answer_of, claimed_of, job_of
from stores.ledger.jobs_schema import jobs
from stores.ledger.reviews import put_reviews
from stores.ledger.schema import UtcTime


class Jobs:
    """The jobs of every model, as their callers and their workers see them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def enqueue(self, new: Sequence[NewJob], most_waiting: Mapping[str, int]) -> frozenset[str]:
        """Store jobs in one transaction, due at once, and return the ids of those that are stored now.

        `most_waiting` says for each of their models how many jobs may be open. One that is there already stays as it
        is and needs no room.
        """
        with self._engine.begin() as connection:
            asked = select(jobs.c.job_id).where(jobs.c.job_id.in_([one.job_id for one in new]))
            known = set(connection.scalars(asked))
            room = {model: most_waiting[model] - _open(connection, model) for model in {one.model for one in new}}
            taken: Counter[str] = Counter()
            stored: list[dict[str, object]] = []
            for one in new:
                if one.job_id not in known and taken[one.model] < room[one.model]:
                    taken[one.model] += 1
                    stored.append(asdict(one) | _FRESH | {"due_at": one.enqueued_at})
            if stored:
                # Another replica may store the same job at this very moment.
                dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
                connection.execute(dialect.insert(jobs).on_conflict_do_nothing(), stored)
        return frozenset(known) | frozenset(str(one["job_id"]) for one in stored)

    def get(self, job_id: str) -> Job:
        """Return a job; raises NotFound."""
        with self._engine.connect() as connection:
            return _get(connection, job_id)

    def answer(self, job_id: str) -> StoredAnswer | None:
        """Return the answer of a job that has ended with one, None otherwise."""
        wanted = select(jobs.c.status, jobs.c.content_type, jobs.c.answer_headers, jobs.c.answer)
        with self._engine.connect() as connection:
            row = connection.execute(wanted.where(jobs.c.job_id == job_id)).first()
        return None if row is None else answer_of(row)

    def cancel(self, job_id: str, reason: str, at: datetime) -> Job:
        """Cancel a job that has not ended and return it; one that is cancelled already stays as it is.

        Raises NotFound, and TransitionRefused for a job that ended in another way.
        """
        mine = update(jobs).where(jobs.c.job_id == job_id, jobs.c.state.in_(job_sources(JobState.CANCELLED)))
        with self._engine.begin() as connection:
            # Its worker's token is taken from it, so that whatever it still makes of the job is refused.
            ended = {"state": JobState.CANCELLED, "reason": reason, "ended_at": at, "due_at": None}
            changed = connection.execute(mine.values(token=jobs.c.token + 1, **ended)).rowcount
            job = _get(connection, job_id)
        if not changed and job.state is not JobState.CANCELLED:
            require_move(job.state, JobState.CANCELLED)
        return job

    def claim(
        self,
        model: str,
        *,
        holder: str,
        lease_seconds: float,
        limit: int,
        now: datetime,
        only: Collection[str] | None = None,
    ) -> tuple[Claimed, ...]:
        """Give a worker the model's most urgent jobs that are due, oldest first.

        Or those of `only` that wait, which may have been handed out before they are due. A job whose worker let its
        lease end is due again. No two workers get the same one.
        """
        due = select(jobs.c.job_id).where(jobs.c.model == model)
        if only is None:
            due = due.where(jobs.c.due_at <= now)
        else:
            due = due.where(jobs.c.job_id.in_(only), (jobs.c.due_at <= now) | (jobs.c.state == JobState.WAITING))
        due = due.order_by(jobs.c.priority, jobs.c.enqueued_at, jobs.c.job_id).limit(limit)
        mine = update(jobs).where(
            jobs.c.job_id.in_(due.with_for_update(skip_locked=True).scalar_subquery()),
            jobs.c.state.in_(job_sources(JobState.RUNNING)),
        )
        taken = mine.values(
            state=JobState.RUNNING,
            token=jobs.c.token + 1,
            attempts=jobs.c.attempts + 1,
            holder=holder,
            started_at=func.coalesce(jobs.c.started_at, literal(now, UtcTime)),
            due_at=now + timedelta(seconds=lease_seconds),
        )
        with self._engine.begin() as connection:
            found = [claimed_of(row) for row in connection.execute(taken.returning(*CLAIMED))]
        return tuple(sorted(found, key=lambda one: (one.priority, one.enqueued_at, one.job_id)))

    def end(self, endings: Sequence[Ending], now: datetime) -> frozenset[str]:
        """Store in one transaction what workers made of the jobs they held, and return the ids of those that held.

        With a job that ends, its log rows are stored, and the message to its webhook as due; with one that waits for
        people, what they are asked.
        """
        stored: set[str] = set()
        with self._engine.begin() as connection:
            # In one order everywhere, so that no two transactions wait for each other.
            for ending in sorted(endings, key=lambda one: one.job_id):
                if _end(connection, ending, now):
                    stored.add(ending.job_id)
            rows = [batch for one in endings if one.job_id in stored for batch in one.rows]
            keep_rows(connection, rows, now)
            put_reviews(connection, [asked for one in endings if one.job_id in stored for asked in one.asked])
        return frozenset(stored)

    def hand_out(self, model: str, now: datetime, again: datetime, limit: int) -> tuple[tuple[str, int], ...]:
        """Return id and priority of the model's jobs that are due, the most urgent first, and have them due `again`.

        For a queue that offers them elsewhere. A worker that let its lease end loses its job by this.
        """
        due = select(jobs.c.job_id).where(jobs.c.model == model, jobs.c.due_at <= now)
        due = due.order_by(jobs.c.priority, jobs.c.enqueued_at, jobs.c.job_id).limit(limit)
        mine = update(jobs).where(jobs.c.job_id.in_(due.with_for_update(skip_locked=True).scalar_subquery()))
        offered = mine.values(state=JobState.WAITING, token=jobs.c.token + 1, due_at=again)
        with self._engine.begin() as connection:
            rows = connection.execute(offered.returning(jobs.c.job_id, jobs.c.priority, jobs.c.enqueued_at)).all()
        return tuple(
            (row.job_id, row.priority) for row in sorted(rows, key=lambda row: (row.priority, row.enqueued_at))
        )


def no_such_job(job_id: str) -> NotFound:
    """Return the error for a job that is not there."""
    return NotFound(f"no job {job_id!r}; one that ended long ago is forgotten, see keep_hours in the policy")


_FRESH: dict[str, object] = {"state": JobState.WAITING, "attempts": 0, "token": 0}


def _open(connection: Connection, model: str) -> int:
    mine = select(func.count()).select_from(jobs).where(jobs.c.model == model, jobs.c.due_at.isnot(None))
    return int(connection.execute(mine).scalar_one())


def _get(connection: Connection, job_id: str) -> Job:
    row = connection.execute(select(*SEEN).where(jobs.c.job_id == job_id)).first()
    if row is None:
        raise no_such_job(job_id)
    return job_of(row)


def _end(connection: Connection, ending: Ending, now: datetime) -> bool:
    mine = update(jobs).where(
        jobs.c.job_id == ending.job_id, jobs.c.token == ending.token, jobs.c.state.in_(job_sources(ending.state))
    )
    if ending.state is JobState.WAITING:
        used = jobs.c.attempts if ending.used else jobs.c.attempts - 1
        again = mine.values(state=ending.state, reason=ending.reason, due_at=ending.due_at, attempts=used)
        if ending.held is not None:
            # Without a status nobody can fetch it.
            again = again.values(answer=ending.held)
        return bool(connection.execute(again).rowcount)
    answer = ending.answer
    values: dict[str, object] = {
        "state": ending.state,
        "reason": ending.reason,
        "due_at": None,
        "ended_at": now,
    }
    if answer is not None:
        values |= {"status": answer.status, "content_type": answer.content_type, "answer": answer.body}
        values["answer_headers"] = dict(answer.headers)
    row = connection.execute(mine.values(values).returning(jobs.c.model, jobs.c.webhook)).first()
    if row is None:
        return False
    if row.webhook is not None:
        open_delivery(connection, ending.job_id, row.model, row.webhook, now)
    return True
