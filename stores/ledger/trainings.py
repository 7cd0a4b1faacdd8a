"""Trainings: who asked for which version, when, and what came of it; kept for good."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Engine, Row, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from lifecycle.errors import Conflict
from lifecycle.training import Cause, Training, TrainingState
from stores.ledger.schema import decisions
from stores.ledger.watching_schema import trainings

GATE_ACTOR = "flow:train"
"""Who decides at the offline gate, and so has trained what is judged there."""


class Trainings:
    """The trainings of every model."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, model: str) -> tuple[Training, ...]:
        """Return every training of a model, oldest first."""
        mine = select(trainings).where(trainings.c.model == model)
        with self._engine.connect() as connection:
            rows = connection.execute(mine.order_by(trainings.c.asked_at, trainings.c.training_id))
            return tuple(_training(row) for row in rows)

    def known(self, training_id: str) -> bool:
        """Return whether a training that counts has this name: one that was held for lack of data does not."""
        mine = select(trainings.c.training_id).where(trainings.c.training_id == training_id)
        with self._engine.connect() as connection:
            return connection.execute(mine.where(trainings.c.state != TrainingState.HELD)).first() is not None

    def keep(self, training: Training) -> None:
        """Store a training in place of what is known of it.

        Raises Conflict when another process stored it for the first time at the same moment.
        """
        try:
            with self._engine.begin() as connection:
                connection.execute(delete(trainings).where(trainings.c.training_id == training.training_id))
                connection.execute(insert(trainings).values(asdict(training) | {"alarms": list(training.alarms)}))
        except IntegrityError as error:
            raise Conflict(
                f"another process asked for training {training.training_id} of {training.model} at the same moment"
            ) from error

    def judged_at(self, model: str) -> datetime | None:
        """Return when a version of our own training was last judged at the offline gate, None when none was."""
        newest = select(func.max(decisions.c.decided_at))
        with self._engine.connect() as connection:
            at: datetime | None = connection.scalar(
                newest.where(decisions.c.model == model, decisions.c.actor == GATE_ACTOR)
            )
            return at


def _training(row: Row[tuple[object, ...]]) -> Training:
    values = row._asdict()
    values |= {
        "cause": Cause(values["cause"]),
        "state": TrainingState(values["state"]),
        "alarms": tuple(values["alarms"]),
    }
    return Training(**values)
