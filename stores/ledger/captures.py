"""Captures: every opening of a breaker, what tripped it, where its rows are kept, and when it closed again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import Engine, Row, Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from lifecycle.errors import NotFound
from stores.ledger.watching_schema import captures


@dataclass(frozen=True)
class Capture:
    """One opening on one replica; `evidence` holds the figures that tripped it.

    `rows` are in the file at `path`, relative to the state folder; 0 until it is written. `closed_at` is None while
    the breaker is open, and stays so when the replica was killed.
    """

    capture_id: str
    model: str
    version: str
    arm: str
    replica: str
    reason: str
    rows: int
    path: str
    evidence: Mapping[str, float | int | str]
    opened_at: datetime
    captured_at: datetime
    closed_at: datetime | None = None


class Captures:
    """The captures of every model."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, capture: Capture) -> None:
        """Store a capture, or what is newer about one that is stored."""
        values = asdict(capture) | {"evidence": dict(capture.evidence)}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(captures).values(values))
        except IntegrityError:
            mine = update(captures).where(captures.c.capture_id == capture.capture_id)
            with self._engine.begin() as connection:
                connection.execute(mine.values(values))

    def get(self, capture_id: str) -> Capture:
        """Return a capture by its id; raises NotFound."""
        found = self._all(select(captures).where(captures.c.capture_id == capture_id))
        if not found:
            raise NotFound(f"no capture {capture_id!r}; `holdfast captures list` has them all")
        return found[0]

    def all(self, model: str | None = None) -> tuple[Capture, ...]:
        """Return the captures of one model or of all, newest first."""
        wanted = select(captures).order_by(captures.c.opened_at.desc(), captures.c.capture_id)
        return self._all(wanted if model is None else wanted.where(captures.c.model == model))

    def open(self, model: str) -> tuple[Capture, ...]:
        """Return the captures of a model whose breaker has not closed, newest first; a dead replica's are among them.

        Which replicas live is in their reports, see `Arms.since`.
        """
        return tuple(capture for capture in self.all(model) if capture.closed_at is None)

    def _all(self, wanted: Select[tuple[object, ...]]) -> tuple[Capture, ...]:
        with self._engine.connect() as connection:
            return tuple(_capture(row) for row in connection.execute(wanted))


def _capture(row: Row[tuple[object, ...]]) -> Capture:
    values = row._asdict()
    return Capture(**{field.name: values[field.name] for field in fields(Capture)})
