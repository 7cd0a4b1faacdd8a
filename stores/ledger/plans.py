"""Traffic plans: read the newest, write the next by compare-and-set on its revision."""

from datetime import datetime

from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from lifecycle.errors import Conflict
from lifecycle.plan import TrafficPlan, empty_plan
from stores.ledger.schema import plans


class Plans:
    """The plans of every model, each revision kept."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def current(self, model: str) -> TrafficPlan:
        """Return the newest plan of a model; revision 0 when there is none."""
        newest = select(plans).where(plans.c.model == model).order_by(plans.c.revision.desc()).limit(1)
        with self._engine.connect() as connection:
            row = connection.execute(newest).first()
        if row is None:
            return empty_plan(model)
        return TrafficPlan(model=model, revision=row.revision, champion=row.champion, previous=row.previous)

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
                newest = select(plans.c.revision).where(plans.c.model == plan.model)
                standing = connection.scalars(newest.order_by(plans.c.revision.desc()).limit(1)).first() or 0
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
                    )
                )
        except IntegrityError as error:
            raise Conflict(f"plan revision {plan.revision} of {plan.model} was written by another process") from error
