"""The ledger's tables of what is answered later: jobs, and the messages that tell of their end.

`due_at` says when a worker may take a row: when it was stored or is to be tried again, or when the lease of the worker
that has it ends. It is null once nobody shall take it any more, so that the index over it stays small.
"""

from sqlalchemy import JSON, Column, Index, Integer, LargeBinary, String, Table

from stores.ledger.schema import UtcTime, metadata

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", String(40), primary_key=True),
    Column("model", String(100), nullable=False),
    Column("version", String(50), nullable=False),
    Column("plan_revision", Integer, nullable=False),
    Column("action", String(20), nullable=False),
    Column("tenant", String(100)),
    Column("priority", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("token", Integer, nullable=False),
    Column("holder", String(100)),
    Column("due_at", UtcTime),
    Column("reason", String),
    Column("webhook", String),
    Column("enqueued_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("headers", JSON, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("status", Integer),
    Column("content_type", String(100)),
    Column("answer_headers", JSON(none_as_null=True)),
    Column("answer", LargeBinary),
)
Index(
    "ix_jobs_due",
    *(jobs.c.model, jobs.c.priority, jobs.c.enqueued_at, jobs.c.job_id),
    sqlite_where=jobs.c.due_at.isnot(None),
    postgresql_where=jobs.c.due_at.isnot(None),
)
Index("ix_jobs_ended", jobs.c.model, jobs.c.ended_at)

job_rows = Table(
    "job_rows",
    metadata,
    Column("entry_id", String(40), primary_key=True),
    Column("number", Integer, index=True),
    Column("stored_at", UtcTime, nullable=False, index=True),
    Column("rows", LargeBinary, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("job_id", String(40), primary_key=True),
    Column("model", String(100), nullable=False),
    Column("url", String, nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("token", Integer, nullable=False),
    Column("due_at", UtcTime),
    Column("last_error", String),
    Column("created_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
)
Index(
    "ix_deliveries_due",
    *(deliveries.c.model, deliveries.c.due_at),
    sqlite_where=deliveries.c.due_at.isnot(None),
    postgresql_where=deliveries.c.due_at.isnot(None),
)
Index("ix_deliveries_state", deliveries.c.model, deliveries.c.state)
