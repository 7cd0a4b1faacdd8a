"""Deliveries: one message for each job that ended with a webhook, sent until it is taken or given up."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, insert, select, update

from lifecycle.errors import Conflict, NotFound
from lifecycle.jobs import DeliveryState, delivery_sources
from stores.ledger.job_records import Delivery, Sent, ToSend
from stores.ledger.job_rows import ANSWER, DELIVERY, SEEN, answer_of, delivery_of, job_of
from stores.ledger.jobs_schema import deliveries, jobs


def open_delivery(connection: Connection, job_id: str, model: str, url: str, now: datetime) -> None:
    """Store the message about a job that ends in the same transaction, due at once."""
    values = {"job_id": job_id, "model": model, "url": url, "state": DeliveryState.WAITING, "attempts": 0, "token": 0}
    connection.execute(insert(deliveries).values(**values, due_at=now, created_at=now))


class Deliveries:
    """The messages to webhooks; times are the machine's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, model: str, *, lease_seconds: float, limit: int, now: datetime) -> tuple[ToSend, ...]:
        """Give a worker a model's messages that are due, those due first; no two workers get the same one.

        One whose worker let its lease end is due again, so a receiver may get it twice, under the same id.
        """
        due = select(deliveries.c.job_id).where(deliveries.c.model == model, deliveries.c.due_at <= now)
        chosen = due.order_by(deliveries.c.due_at).limit(limit).with_for_update(skip_locked=True)
        mine = update(deliveries).where(
            deliveries.c.job_id.in_(chosen.scalar_subquery()),
            deliveries.c.state.in_(delivery_sources(DeliveryState.SENDING)),
        )
        taken = mine.values(
            state=DeliveryState.SENDING,
            token=deliveries.c.token + 1,
            attempts=deliveries.c.attempts + 1,
            due_at=now + timedelta(seconds=lease_seconds),
        )
        with self._engine.begin() as connection:
            rows = connection.execute(taken.returning(*DELIVERY, deliveries.c.token)).all()
            ids = [row.job_id for row in rows]
            told = select(*SEEN, *(column for column in ANSWER if column not in SEEN)).where(jobs.c.job_id.in_(ids))
            about = {row.job_id: (job_of(row), answer_of(row)) for row in connection.execute(told)} if ids else {}
        return tuple(ToSend(row.token, delivery_of(row), *about[row.job_id]) for row in rows)

    def settle(self, sent: Sequence[Sent], now: datetime) -> None:
        """Store in one transaction what became of messages; one that another worker has by now is left to it."""
        with self._engine.begin() as connection:
            for one in sorted(sent, key=lambda one: one.job_id):
                mine = update(deliveries).where(
                    deliveries.c.job_id == one.job_id,
                    deliveries.c.token == one.token,
                    deliveries.c.state.in_(delivery_sources(one.state)),
                )
                ended = None if one.state is DeliveryState.WAITING else now
                values: dict[str, object] = {
                    "state": one.state,
                    "last_error": one.error,
                    "due_at": one.due_at,
                    "ended_at": ended,
                }
                if not one.used:
                    values = {"state": one.state, "due_at": one.due_at, "attempts": deliveries.c.attempts - 1}
                connection.execute(mine.values(values))

    def of(self, job_id: str) -> Delivery | None:
        """Return the message about a job, None where there is none."""
        with self._engine.connect() as connection:
            row = connection.execute(select(*DELIVERY).where(deliveries.c.job_id == job_id)).first()
        return None if row is None else delivery_of(row)

    def dead(self, model: str | None = None) -> tuple[Delivery, ...]:
        """Return the messages that were given up, those first that were so last."""
        wanted = select(*DELIVERY).where(deliveries.c.state == DeliveryState.DEAD)
        if model is not None:
            wanted = wanted.where(deliveries.c.model == model)
        with self._engine.connect() as connection:
            rows = connection.execute(wanted.order_by(deliveries.c.ended_at.desc(), deliveries.c.job_id))
            return tuple(delivery_of(row) for row in rows)

    def retry(self, job_id: str, now: datetime) -> Delivery:
        """Have a message that was given up sent again, with all attempts before it, and return it.

        Raises NotFound, and Conflict for one that was not given up.
        """
        mine = update(deliveries).where(
            deliveries.c.job_id == job_id, deliveries.c.state.in_(delivery_sources(DeliveryState.WAITING))
        )
        dead = mine.where(deliveries.c.state == DeliveryState.DEAD)
        with self._engine.begin() as connection:
            values = {"state": DeliveryState.WAITING, "attempts": 0, "due_at": now, "ended_at": None}
            changed = connection.execute(dead.values(values)).rowcount
            row = connection.execute(select(*DELIVERY).where(deliveries.c.job_id == job_id)).first()
        if row is None:
            raise NotFound(f"no message about a job {job_id!r}; `holdfast jobs dead list` has those that were given up")
        if not changed:
            raise Conflict(f"the message about job {job_id} is {row.state}; only one that is dead can be sent again")
        return delivery_of(row)
