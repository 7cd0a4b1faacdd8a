"""Traffic plans: read the newest, write the next by compare-and-set on its revision."""

from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine, Row, insert, select
from sqlalchemy.exc import IntegrityError

from lifecycle.errors import Conflict
from lifecycle.plan import TrafficPlan, empty_plan
from stores.ledger.schema import plans

WHOLE_PLAN = TypeAdapter(TrafficPlan)
"""A plan as JSON and back."""


class Plans:
    """The plans of every model, each revision kept."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def current(self, model: str) -> TrafficPlan:
        """Return the newest plan of a model; revision 0 when there is none."""
        newest = select(plans).where(plans.c.model == model).order_by(plans.c.revision.desc()).limit(1)
        with self._engine.connect() as connection:
            row = connection.execute(newest).first()
        return empty_plan(model) if row is None else _plan(row)

    def history(self, model: str) -> tuple[tuple[TrafficPlan, datetime], ...]:
        """Return every revision of a model's plan with the moment it was written, oldest first."""
        every = select(plans).where(plans.c.model == model).order_by(plans.c.revision)
        with self._engine.connect() as connection:
            return tuple((_plan(row), row.written_at) for row in connection.execute(every))

    def models(self) -> tuple[str, ...]:
        """Return the names of all models that have a plan, sorted."""
        with self._engine.connect() as connection:
            return tuple(connection.scalars(select(plans.c.model).distinct().order_by(plans.c.model)))

    def since(self, model: str) -> datetime | None:
        """Return when the newest plan of a model was written, or None when there is none."""
        newest = select(plans.c.written_at).where(plans.c.model == model).order_by(plans.c.revision.desc()).limit(1)
        with self._engine.connect() as connection:
            return connection.scalars(newest).first()

    def write(self, plan: TrafficPlan, written_at: datetime) -> None:
        """Store a plan whose revision is one above the newest.

        Raises Conflict when another process has written that revision first.
        """
        try:
            with self._engine.begin() as connection:
                insert_next(connection, plan, written_at)
        except IntegrityError as error:
            raise Conflict(f"plan revision {plan.revision} of {plan.model} was written by another process") from error


def standing_revision(connection: Connection, model: str) -> int:
    """Return the newest plan revision of a model within a transaction; 0 when there is none."""
    newest = select(plans.c.revision).where(plans.c.model == model).order_by(plans.c.revision.desc()).limit(1)
    return connection.scalars(newest).first() or 0


def insert_next(connection: Connection, plan: TrafficPlan, written_at: datetime) -> None:
    """Store a plan within a transaction; raises Conflict unless it follows the newest revision."""
    standing = standing_revision(connection, plan.model)
    if plan.revision != standing + 1:
        raise Conflict(
            f"plan revision {plan.revision} of {plan.model} was made from {plan.revision - 1}, "
            f"but {standing} stands now; read the plan again and decide anew"
        )
    connection.execute(
        insert(plans).values(
            model=plan.model,
            revision=plan.revision,
            champion=plan.champion,
            previous=plan.previous,
            written_at=written_at,
            document=WHOLE_PLAN.dump_python(plan, mode="json"),
        )
    )


def _plan(row: Row[tuple[object, ...]]) -> TrafficPlan:
    if row.document is None:
        # Written before there were trials: a champion and a way back were all there was.
        return TrafficPlan(model=row.model, revision=row.revision, champion=row.champion, previous=row.previous)
    return WHOLE_PLAN.validate_python(row.document)
