"""Reviews: what people are asked, each answer once; kept for good. Who answers them is in `answering`."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, select

from lifecycle.errors import NotFound
from lifecycle.review import Reviewed, ReviewKind
from stores.ledger.review_room import AT_ONCE, INSERTS, Queue, add_overflow, fitting, room
from stores.ledger.review_schema import review_intake, review_overflow, reviews

LOG = "predictions"
COLUMNS = tuple(reviews.c[field.name] for field in fields(Reviewed))
OLDEST_FIRST = (reviews.c.due_at, reviews.c.prediction_id)
OPEN = reviews.c.answered_at.is_(None)


class Reviews:
    """The reviews of every model."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def enter(
        self, found: Sequence[Reviewed], reached: int | None = None, *, most_open: Mapping[str, int] | None = None
    ) -> Mapping[Queue, int]:
        """Store what people are to look at, and return how much of it found no room, by queue.

        What is there already stays as it is. `most_open` says for each model how many reviews of each kind may wait;
        without it there is room for all. With `reached`, the commit of the log up to which every row was looked at,
        that and the count of what found no room are stored, too, all or nothing.
        """
        with self._engine.begin() as connection:
            left: Counter[Queue] = Counter()
            if most_open is not None:
                found, left = fitting(connection, found, most_open)
            put_reviews(connection, found)
            if reached is not None:
                add_overflow(connection, left)
                _mark(connection, reached)
        return left

    def recount(self, left: Mapping[Queue, int], reached: int) -> None:
        """Store that the whole log was looked at, and that so much of it found no room."""
        with self._engine.begin() as connection:
            connection.execute(delete(review_overflow))
            add_overflow(connection, left)
            _mark(connection, reached)

    def room(self, most_open: Mapping[str, int]) -> Mapping[Queue, int]:
        """Return how many more reviews each queue takes now, where `most_open` of each kind of a model may wait."""
        with self._engine.connect() as connection:
            return room(connection, most_open)

    def reached(self) -> int | None:
        """Return the commit of the log up to which every row was looked at, None before the first."""
        with self._engine.connect() as connection:
            return connection.scalars(select(review_intake.c.version).where(review_intake.c.log == LOG)).first()

    def get(self, prediction_id: str) -> Reviewed:
        """Return the review of one prediction; raises NotFound."""
        found = self.answer_of([prediction_id])
        if not found:
            raise unknown(prediction_id)
        return found[prediction_id]

    def answer_of(self, prediction_ids: Iterable[str]) -> Mapping[str, Reviewed]:
        """Return the reviews of some predictions by their ids, answered or not; those without one are left out."""
        ids = list(prediction_ids)
        found: dict[str, Reviewed] = {}
        with self._engine.connect() as connection:
            for first in range(0, len(ids), AT_ONCE):
                asked = reviews.c.prediction_id.in_(ids[first : first + AT_ONCE])
                rows = connection.execute(select(*COLUMNS).where(asked))
                found |= {row.prediction_id: review_of(row) for row in rows}
        return found

    def open(self, model: str | None = None, limit: int | None = None) -> tuple[Reviewed, ...]:
        """Return the reviews that nobody answered yet, what is due first coming first."""
        return self._found([OPEN, *of_model(model)], OLDEST_FIRST, limit)

    def all(self, model: str | None = None, limit: int | None = None) -> tuple[Reviewed, ...]:
        """Return the reviews with those that are answered, newest first."""
        newest = (reviews.c.served_at.desc(), reviews.c.prediction_id.desc())
        return self._found([*of_model(model)], newest, limit)

    def _found(
        self, wanted: Sequence[ColumnElement[bool]], order: Sequence[ColumnElement[object]], limit: int | None
    ) -> tuple[Reviewed, ...]:
        asked = select(*COLUMNS).where(*wanted).order_by(*order)
        with self._engine.connect() as connection:
            return tuple(review_of(row) for row in connection.execute(asked if limit is None else asked.limit(limit)))


def put_reviews(connection: Connection, found: Sequence[Reviewed]) -> None:
    """Store reviews within a transaction, whatever waits already; what is there stays as it is."""
    entering = INSERTS[connection.dialect.name](reviews).on_conflict_do_nothing(index_elements=["prediction_id"])
    for first in range(0, len(found), AT_ONCE):
        connection.execute(entering, [_columns(one) for one in found[first : first + AT_ONCE]])


def unknown(prediction_id: str) -> NotFound:
    """Return the error for a prediction that nobody is asked about."""
    return NotFound(
        f"nobody is asked about a prediction {prediction_id!r}; `holdfast review list` shows what waits. A new "
        "answer is there some seconds after it was given, unless as many wait as people can look at (most_open in the "
        "policy's review)"
    )


def of_model(model: str | None) -> list[ColumnElement[bool]]:
    """Return the condition that keeps the reviews of one model, or nothing for all."""
    return [] if model is None else [reviews.c.model == model]


def review_of(row: Row[tuple[object, ...]]) -> Reviewed:
    """Return a row of COLUMNS as what it is."""
    values = row._asdict()
    return Reviewed(**values | {"kind": ReviewKind(values["kind"])})


def _columns(review: Reviewed) -> dict[str, object]:
    return {field.name: getattr(review, field.name) for field in fields(Reviewed)} | {"kind": review.kind.value}


def _mark(connection: Connection, reached: int) -> None:
    mark = INSERTS[connection.dialect.name](review_intake).values(log=LOG, version=reached)
    connection.execute(mark.on_conflict_do_update(index_elements=["log"], set_={"version": reached}))
