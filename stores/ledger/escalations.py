"""Reviews that waited too long: the decision that calls people for them, once."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, and_, select, update
from sqlalchemy.exc import IntegrityError

from lifecycle.errors import Conflict
from lifecycle.review import Reviewed, ReviewKind
from lifecycle.verdict import Decision
from stores.ledger.decisions import insert_decision
from stores.ledger.review_room import AT_ONCE
from stores.ledger.review_schema import reviews
from stores.ledger.reviews import COLUMNS, OLDEST_FIRST, OPEN, of_model, review_of


class Escalations:
    """The escalations of every model. Moments given as `now` are the machine's time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def overdue(self, model: str, now: datetime) -> tuple[Reviewed, ...]:
        """Return the unsure answers of a model that waited too long and for which nobody was called yet."""
        late = and_(reviews.c.due_at <= now, reviews.c.kind == ReviewKind.PROVISIONAL.value)
        asked = select(*COLUMNS).where(OPEN, late, reviews.c.escalation.is_(None), *of_model(model))
        with self._engine.connect() as connection:
            return tuple(review_of(row) for row in connection.execute(asked.order_by(*OLDEST_FIRST)))

    def escalate(self, late: Sequence[Reviewed], decision: Decision) -> None:
        """Store in one transaction the decision that calls people, and for which reviews it does.

        Raises Conflict when another process calls for one of them, or somebody answered it meanwhile.
        """
        names = [one.prediction_id for one in late]
        marked = 0
        try:
            with self._engine.begin() as connection:
                for first in range(0, len(names), AT_ONCE):
                    asked = reviews.c.prediction_id.in_(names[first : first + AT_ONCE])
                    mine = update(reviews).where(asked, OPEN, reviews.c.escalation.is_(None))
                    marked += connection.execute(mine.values(escalation=decision.decision_id)).rowcount
                if marked != len(names):
                    raise Conflict(f"reviews of {decision.model} were answered or escalated just now; look again")
                insert_decision(connection, decision)
        except IntegrityError as error:
            raise Conflict(f"another process escalates reviews of {decision.model} just now; look again") from error

    def untold(self, model: str) -> tuple[str, ...]:
        """Return the decisions that call people for reviews of a model and of which nobody was told yet."""
        asked = select(reviews.c.escalation).where(reviews.c.escalation.is_not(None), reviews.c.told_at.is_(None))
        with self._engine.connect() as connection:
            return tuple(connection.scalars(asked.where(*of_model(model)).distinct().order_by(reviews.c.escalation)))

    def mark_told(self, decision_id: str, now: datetime) -> None:
        """Store that the people whom a decision calls were called."""
        mine = update(reviews).where(reviews.c.escalation == decision_id, reviews.c.told_at.is_(None))
        with self._engine.begin() as connection:
            connection.execute(mine.values(told_at=now))
