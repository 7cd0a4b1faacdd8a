"""Reviews: what people are asked, each answer once; kept for good. Who answers them is in `answering`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import TypeAlias, cast

from sqlalchemy import ColumnElement, Engine, Row, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from lifecycle.errors import NotFound
from lifecycle.review import Reviewed, ReviewKind
from stores.ledger.review_schema import review_intake, reviews

Put: TypeAlias = Callable[[Table], sqlite.Insert]
INSERTS: Mapping[str, Put] = {"sqlite": sqlite.insert, "postgresql": cast("Put", postgresql.insert)}
"""Both dialects spell an upsert alike, but share no type."""
LOG = "predictions"
AT_ONCE = 500
"""Databases limit how many values one statement may hold."""
COLUMNS = tuple(reviews.c[field.name] for field in fields(Reviewed))
OLDEST_FIRST = (reviews.c.due_at, reviews.c.prediction_id)
OPEN = reviews.c.answered_at.is_(None)


class Reviews:
    """The reviews of every model."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def enter(self, found: Sequence[Reviewed], reached: int | None = None) -> None:
        """Store what people are to look at; what is there already stays as it is.

        With `reached`, the commit of the log up to which nothing is missing any more, both are stored or neither.
        """
        put = INSERTS[self._engine.dialect.name]
        entering = put(reviews).on_conflict_do_nothing(index_elements=["prediction_id"])
        with self._engine.begin() as connection:
            for first in range(0, len(found), AT_ONCE):
                connection.execute(entering, [_columns(one) for one in found[first : first + AT_ONCE]])
            if reached is not None:
                mark = put(review_intake).values(log=LOG, version=reached)
                connection.execute(mark.on_conflict_do_update(index_elements=["log"], set_={"version": reached}))

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


def unknown(prediction_id: str) -> NotFound:
    """Return the error for a prediction that nobody is asked about."""
    return NotFound(
        f"nobody is asked about a prediction {prediction_id!r}; `holdfast review list` shows what waits, and a new "
        "answer is there some seconds after it was given"
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
