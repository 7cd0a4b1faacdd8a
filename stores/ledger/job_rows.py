"""Rows of the tables of jobs and deliveries as values."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Row

from lifecycle.jobs import DeliveryState, JobState
from stores.ledger.job_records import Claimed, Delivery, Job, StoredAnswer
from stores.ledger.jobs_schema import deliveries, jobs

SEEN = (
    *(jobs.c.job_id, jobs.c.model, jobs.c.version, jobs.c.plan_revision, jobs.c.action, jobs.c.tenant),
    *(jobs.c.priority, jobs.c.state, jobs.c.attempts, jobs.c.holder, jobs.c.reason, jobs.c.webhook),
    *(jobs.c.enqueued_at, jobs.c.started_at, jobs.c.ended_at, jobs.c.status),
)
"""What is read of a job that is looked at: everything but what can be large."""
CLAIMED = (
    *(jobs.c.job_id, jobs.c.token, jobs.c.attempts, jobs.c.model, jobs.c.version, jobs.c.plan_revision, jobs.c.action),
    *(jobs.c.headers, jobs.c.body, jobs.c.tenant, jobs.c.priority, jobs.c.reason, jobs.c.enqueued_at),
)
"""What a worker needs of one."""
ANSWER = (jobs.c.status, jobs.c.content_type, jobs.c.answer_headers, jobs.c.answer)
DELIVERY = (
    *(deliveries.c.job_id, deliveries.c.model, deliveries.c.url, deliveries.c.state, deliveries.c.attempts),
    *(deliveries.c.last_error, deliveries.c.created_at, deliveries.c.ended_at),
)


def job_of(row: Row[Any]) -> Job:
    """Return a row of SEEN."""
    values = _only(row, SEEN)
    return Job(**values | {"state": JobState(row.state)})


def claimed_of(row: Row[Any]) -> Claimed:
    """Return a row of CLAIMED."""
    return Claimed(**_only(row, CLAIMED))


def answer_of(row: Row[Any]) -> StoredAnswer | None:
    """Return the answer in a row of ANSWER, None where there is none."""
    if row.status is None:
        return None
    return StoredAnswer(row.status, row.content_type, row.answer_headers or {}, row.answer)


def delivery_of(row: Row[Any]) -> Delivery:
    """Return a row of DELIVERY."""
    values = _only(row, DELIVERY)
    return Delivery(**values | {"state": DeliveryState(row.state)})


def _only(row: Row[Any], columns: Sequence[Column[Any]]) -> dict[str, Any]:
    # A row may hold those of another table beside these.
    values = row._asdict()
    return {column.name: values[column.name] for column in columns}
