"""Jobs whose answers wait for people are due again when somebody has said something."""

from datetime import datetime

from sqlalchemy import Connection, update

from lifecycle.jobs import JobState
from stores.ledger.jobs_schema import jobs


def wake_held(connection: Connection, request_id: str | None, now: datetime) -> None:
    """Have the job of a logged request looked at at once, if it is one and its answer is held back.

    A request's id may be anything that its caller wrote; a job that is woken in error goes on waiting.
    """
    if not request_id:
        return
    held = update(jobs).where(
        jobs.c.job_id == request_id, jobs.c.state == JobState.WAITING, jobs.c.answer.isnot(None), jobs.c.due_at > now
    )
    connection.execute(held.values(due_at=now))
