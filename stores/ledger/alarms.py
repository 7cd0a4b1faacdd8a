"""Alarms: opened once, seen again, closed; kept for good."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from lifecycle.alarms import Alarm, AlarmKind, Concern, Matter, Settled, settle
from lifecycle.errors import Conflict, NotFound
from lifecycle.verdict import Decision
from stores.ledger.decisions import insert_decision
from stores.ledger.watching_schema import alarms


class Alarms:
    """The alarms of every model."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def standing(self, model: str) -> tuple[Alarm, ...]:
        """Return the alarms of a model that are not closed, oldest first."""
        return tuple(alarm for alarm in self.all(model) if alarm.closed_at is None)

    def all(self, model: str) -> tuple[Alarm, ...]:
        """Return every alarm there ever was about a model, oldest first."""
        with self._engine.connect() as connection:
            return _all(connection, model)

    def get(self, alarm_id: str) -> Alarm:
        """Return one alarm; raises NotFound."""
        with self._engine.connect() as connection:
            row = connection.execute(select(alarms).where(alarms.c.alarm_id == alarm_id)).first()
        if row is None:
            raise NotFound(f"no alarm {alarm_id!r}; `holdfast alarms` lists those that stand")
        return _alarm(row)

    def models(self) -> tuple[str, ...]:
        """Return the models that ever had an alarm, sorted."""
        with self._engine.connect() as connection:
            return tuple(connection.scalars(select(alarms.c.model).distinct().order_by(alarms.c.model)))

    def apply(
        self,
        model: str,
        version: str,
        *,
        judged: frozenset[AlarmKind],
        undecided: frozenset[Matter] = frozenset(),
        concerns: Sequence[Concern],
        now: datetime,
    ) -> Settled:
        """Store in one transaction what a look does to a model's alarms, and return it; see `settle`.

        A second time with the same concerns opens nothing. Raises Conflict when another process opened one of them at
        the same moment; nothing is stored then.
        """
        try:
            with self._engine.begin() as connection:
                known = _all(connection, model)
                settled = settle(known, model, version, judged=judged, undecided=undecided, concerns=concerns, now=now)
                for alarm in settled.opened:
                    connection.execute(insert(alarms).values(_columns(alarm)))
                for alarm in (*settled.seen, *settled.closed):
                    _write(connection, alarm)
        except IntegrityError as error:
            raise Conflict(f"another process opened an alarm of {model} at the same moment; look again") from error
        return settled

    def call(self, alarms_called_for: Sequence[Alarm], decision: Decision) -> None:
        """Store in one transaction the decision that calls people, and for which alarms it does.

        Raises Conflict when another process has called for one of them meanwhile; nothing is stored then.
        """
        names = [alarm.alarm_id for alarm in alarms_called_for]
        mine = update(alarms).where(alarms.c.alarm_id.in_(names), alarms.c.decision_id.is_(None))
        try:
            with self._engine.begin() as connection:
                if connection.execute(mine.values(decision_id=decision.decision_id)).rowcount != len(names):
                    raise Conflict(f"another process calls people for alarms of {decision.model} just now; look again")
                insert_decision(connection, decision)
        except IntegrityError as error:
            raise Conflict(
                f"another process calls people for alarms of {decision.model} just now; look again"
            ) from error

    def mark_told(self, decision_id: str, at: datetime) -> None:
        """Store that the people whom a decision calls were called."""
        mine = update(alarms).where(alarms.c.decision_id == decision_id, alarms.c.told_at.is_(None))
        with self._engine.begin() as connection:
            connection.execute(mine.values(told_at=at))

    def dismiss(self, alarm_id: str, who: str, why: str, at: datetime) -> Alarm:
        """Close an alarm as false, in a person's name, and return it; raises NotFound, Conflict when it is closed."""
        with self._engine.begin() as connection:
            row = connection.execute(select(alarms).where(alarms.c.alarm_id == alarm_id)).first()
            if row is None:
                raise NotFound(f"no alarm {alarm_id!r}; `holdfast alarms` lists those that stand")
            if row.closed_at is not None:
                raise Conflict(f"alarm {alarm_id} was closed at {row.closed_at.isoformat()} by {row.closed_by}")
            mine = update(alarms).where(alarms.c.alarm_id == alarm_id, alarms.c.closed_at.is_(None))
            if connection.execute(mine.values(closed_at=at, closed_by=who, closed_because=why)).rowcount != 1:
                raise Conflict(f"alarm {alarm_id} was closed at the same moment; `holdfast alarms --all` says by whom")
            return _alarm(connection.execute(select(alarms).where(alarms.c.alarm_id == alarm_id)).one())


def _all(connection: Connection, model: str) -> tuple[Alarm, ...]:
    mine = select(alarms).where(alarms.c.model == model).order_by(alarms.c.opened_at, alarms.c.alarm_id)
    return tuple(_alarm(row) for row in connection.execute(mine))


def _write(connection: Connection, alarm: Alarm) -> None:
    values = _columns(alarm)
    # Of one that a person closed since it was read, that person's word stands.
    mine = update(alarms).where(alarms.c.alarm_id == values.pop("alarm_id"), alarms.c.closed_at.is_(None))
    connection.execute(mine.values(values))


def _columns(alarm: Alarm) -> dict[str, object]:
    concern = alarm.concern
    return {
        "alarm_id": alarm.alarm_id,
        "model": alarm.model,
        "version": alarm.version,
        "kind": str(concern.kind),
        "subject": concern.subject,
        "then": concern.then,
        "value": concern.value,
        "limit": concern.limit,
        "reason": concern.reason,
        "onset_at": concern.onset_at,
        "opened_at": alarm.opened_at,
        "last_seen_at": alarm.last_seen_at,
        "closed_at": alarm.closed_at,
        "closed_by": alarm.closed_by,
        "closed_because": alarm.closed_because,
    }


def _alarm(row: Row[tuple[object, ...]]) -> Alarm:
    concern = Concern(AlarmKind(row.kind), row.subject, row.then, row.value, row.limit, row.reason, row.onset_at)
    return Alarm(
        row.alarm_id,
        row.model,
        row.version,
        concern,
        row.opened_at,
        row.last_seen_at,
        decision_id=row.decision_id,
        told=row.told_at is not None,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        closed_because=row.closed_because,
    )
