"""The log rows of ended jobs, on their way from the ledger into the prediction log.

They are stored in the transaction that ends a job, so that they are there exactly when its answer is. From there they
go in numbered batches, and the table's commit carries the number: a batch that is written and not yet known to be is
recognised by it.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

import pyarrow as pa
from sqlalchemy import Connection, Engine, delete, insert, select, update

from stores.ledger.jobs_schema import job_rows


def keep_rows(connection: Connection, rows: Sequence[pa.RecordBatch], now: datetime) -> None:
    """Store rows of one schema in the transaction that ends their jobs."""
    if not rows:
        return
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows[0].schema) as stream:
        for batch in rows:
            stream.write_batch(batch)
    values = {"entry_id": uuid4().hex, "stored_at": now, "rows": sink.getvalue().to_pybytes()}
    connection.execute(insert(job_rows).values(values))


class JobLog:
    """The rows that wait, in batches; for one process at a time, see stores/prediction_log/shipping_jobs.py."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def waiting(self) -> bool:
        """Return whether any rows wait."""
        with self._engine.connect() as connection:
            return connection.execute(select(job_rows.c.entry_id).limit(1)).first() is not None

    def under_way(self) -> int | None:
        """Return the number of the batch that was begun and not finished, None without one."""
        numbered = select(job_rows.c.number).where(job_rows.c.number.isnot(None)).order_by(job_rows.c.number).limit(1)
        with self._engine.connect() as connection:
            return connection.execute(numbered).scalar_one_or_none()

    def begin(self, number: int, limit: int) -> None:
        """Give the rows that wait longest the number of one batch; `limit` counts the times that jobs were ended."""
        oldest = select(job_rows.c.entry_id).where(job_rows.c.number.is_(None)).order_by(job_rows.c.stored_at)
        with self._engine.begin() as connection:
            mine = update(job_rows).where(job_rows.c.entry_id.in_(oldest.limit(limit).scalar_subquery()))
            connection.execute(mine.values(number=number))

    def rows(self, number: int) -> pa.Table | None:
        """Return the rows of a batch, None when it has none."""
        mine = select(job_rows.c.rows).where(job_rows.c.number == number)
        with self._engine.connect() as connection:
            kept = connection.scalars(mine.order_by(job_rows.c.stored_at, job_rows.c.entry_id)).all()
        if not kept:
            return None
        pieces = [pa.ipc.open_stream(rows).read_all() for rows in kept]
        return pa.concat_tables(pieces, promote_options="default").combine_chunks()

    def finish(self, number: int) -> None:
        """Let go of a batch that is in the prediction log."""
        with self._engine.begin() as connection:
            connection.execute(delete(job_rows).where(job_rows.c.number == number))
