"""Progress of the flows: batches taken in, watermarks, and the replayed clock."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Engine, delete, func, insert, select, update

from stores.ledger.schema import batches, replay, watermarks


@dataclass(frozen=True)
class Batch:
    """One window of one stream as it was taken in, or refused."""

    batch_id: str
    model: str
    stream: str
    start_at: datetime
    end_at: datetime
    rows_in: int
    rows_kept: int
    rows_quarantined: int
    accepted: bool
    reason: str
    seconds: float
    recorded_at: datetime


@dataclass(frozen=True)
class Totals:
    """Sums over a model's accepted batches of what was not there before: a window taken in twice counts once.

    `batches` are those that brought anything new, `rows_new` the rows stored or set aside from them.
    """

    batches: int
    rows_new: int
    rows_quarantined: int


class Progress:
    """How far each flow has come."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record_batch(self, batch: Batch) -> None:
        """Store what became of a batch."""
        with self._engine.begin() as connection:
            connection.execute(insert(batches).values(asdict(batch) | {"accepted": int(batch.accepted)}))

    def batches(self, model: str, limit: int = 1000) -> tuple[Batch, ...]:
        """Return a model's newest batches, newest first."""
        newest = select(batches).where(batches.c.model == model).order_by(batches.c.recorded_at.desc())
        with self._engine.connect() as connection:
            rows = connection.execute(newest.limit(limit)).all()
        return tuple(Batch(**{**row._asdict(), "accepted": bool(row.accepted)}) for row in rows)

    def totals(self, model: str) -> Totals:
        """Return what was taken in for a model so far."""
        rows_new = batches.c.rows_kept + batches.c.rows_quarantined
        sums = select(func.count(), func.sum(rows_new), func.sum(batches.c.rows_quarantined))
        counted = sums.where(batches.c.model == model, batches.c.accepted == 1, rows_new > 0)
        with self._engine.connect() as connection:
            row = connection.execute(counted).one()
        return Totals(row[0], row[1] or 0, row[2] or 0)

    def watermark(self, name: str) -> datetime | None:
        """Return how far a flow has come, or None when it has not begun."""
        with self._engine.connect() as connection:
            return connection.scalars(select(watermarks.c.at).where(watermarks.c.name == name)).first()

    def advance(self, name: str, at: datetime) -> None:
        """Move a watermark forward to a moment; one that is further already stays."""
        with self._engine.begin() as connection:
            standing = connection.scalars(select(watermarks.c.at).where(watermarks.c.name == name)).first()
            if standing is None:
                connection.execute(insert(watermarks).values(name=name, at=at))
            elif standing < at:
                connection.execute(update(watermarks).where(watermarks.c.name == name).values(at=at))

    def replay_at(self) -> datetime | None:
        """Return the replayed moment, or None when nothing is replayed."""
        with self._engine.connect() as connection:
            return connection.scalars(select(replay.c.at)).first()

    def set_replay(self, at: datetime | None) -> None:
        """Set the replayed moment, or end the replay with None."""
        with self._engine.begin() as connection:
            connection.execute(delete(replay))
            if at is not None:
                connection.execute(insert(replay).values(only=1, at=at))
