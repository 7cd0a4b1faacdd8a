"""Jobs and deliveries as the ledger keeps them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from lifecycle.jobs import DeliveryState, JobState
from lifecycle.review import Reviewed


@dataclass(frozen=True, slots=True)
class NewJob:
    """A request that is to be answered later; `plan_revision` is of the plan that pinned its version."""

    job_id: str
    model: str
    version: str
    plan_revision: int
    action: str
    headers: Mapping[str, str]
    body: bytes
    tenant: str | None
    priority: int
    webhook: str | None
    enqueued_at: datetime


@dataclass(frozen=True, slots=True)
class Job:
    """What can be said of a job without its body and its answer; `holder` is the worker that had it last."""

    job_id: str
    model: str
    version: str
    plan_revision: int
    action: str
    tenant: str | None
    priority: int
    state: JobState
    attempts: int
    holder: str | None
    reason: str | None
    webhook: str | None
    enqueued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    status: int | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job in a worker's hands for the length of a lease; whatever it writes must name the `token`.

    `reason` is why it was put back the last time. `held` is what it was answered, while that waits for people.
    """

    job_id: str
    token: int
    attempts: int
    model: str
    version: str
    plan_revision: int
    action: str
    headers: Mapping[str, str]
    body: bytes
    tenant: str | None
    priority: int
    reason: str | None
    enqueued_at: datetime
    held: bytes | None = None


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An HTTP answer that is kept."""

    status: int
    content_type: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Ending:
    """How a worker ends a job it has: SUCCEEDED or FAILED, or WAITING until `due_at` to be tried again.

    A job that is put back without `used` has cost none of its attempts. `rows` are those of the prediction log that
    belong to the answer. One that is put back with `held` has an answer, which waits for what
    people are `asked`: that is entered for them, however much waits already.
    """

    job_id: str
    token: int
    state: JobState
    reason: str | None = None
    answer: StoredAnswer | None = None
    rows: Sequence[pa.RecordBatch] = ()
    due_at: datetime | None = None
    used: bool = True
    held: bytes | None = None
    asked: Sequence[Reviewed] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """The message to a job's webhook."""

    job_id: str
    model: str
    url: str
    state: DeliveryState
    attempts: int
    last_error: str | None
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ToSend:
    """A delivery in a worker's hands, with the job that it tells of."""

    token: int
    delivery: Delivery
    job: Job
    answer: StoredAnswer | None


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a delivery that a worker had: DELIVERED, DEAD, or WAITING until `due_at`.

    One that is put back without `used` has cost no attempt.
    """

    job_id: str
    token: int
    state: DeliveryState
    error: str | None = None
    due_at: datetime | None = None
    used: bool = True
