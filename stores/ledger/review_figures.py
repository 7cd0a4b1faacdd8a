"""How the reviews of a model stand: what waits, for how long, and how often people agree with the model."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, case, func, select

from lifecycle.review import ReviewKind
from stores.ledger.review_schema import review_overflow, reviews


@dataclass(frozen=True)
class ReviewFigures:
    """The figures of one kind of reviews of a model.

    `oldest_seconds` is the age of the oldest open one, None without one. `judged` counts the answered ones in which
    the model had said 0 or 1, `agreed` those in which the person said the same. `not_entered` counts the answers about
    which the log asked and nobody was asked, because the queue was full.
    """

    kind: ReviewKind
    open: int
    overdue: int
    oldest_seconds: float | None
    answered: int
    judged: int
    agreed: int
    not_entered: int

    @property
    def agreement(self) -> float | None:
        """Share of the judged ones in which the person said what the model had said, None without one."""
        return self.agreed / self.judged if self.judged else None


def review_figures(engine: Engine, model: str, now: datetime) -> tuple[ReviewFigures, ...]:
    """Return the figures of each kind, counted now by the machine's time; zeros where there is nothing."""
    waits = reviews.c.answered_at.is_(None)
    judged = (~waits) & reviews.c.predicted.is_not(None)
    asked = (
        select(
            reviews.c.kind,
            _count(waits).label("open"),
            _count(waits & (reviews.c.due_at <= now)).label("overdue"),
            func.min(case((waits, reviews.c.served_at))).label("oldest_at"),
            _count(~waits).label("answered"),
            _count(judged).label("judged"),
            _count(judged & (reviews.c.predicted == reviews.c.answer)).label("agreed"),
        )
        .where(reviews.c.model == model)
        .group_by(reviews.c.kind)
    )
    with engine.connect() as connection:
        rows = {row.kind: row for row in connection.execute(asked)}
        counted = select(review_overflow.c.kind, review_overflow.c.number).where(review_overflow.c.model == model)
        beyond: dict[str, int] = {row.kind: row.number for row in connection.execute(counted)}
    return tuple(
        ReviewFigures(
            kind,
            row.open,
            row.overdue,
            None if row.oldest_at is None else max(0.0, (now - row.oldest_at).total_seconds()),
            row.answered,
            row.judged,
            row.agreed,
            beyond.get(kind.value, 0),
        )
        if (row := rows.get(kind.value)) is not None
        else ReviewFigures(kind, 0, 0, None, 0, 0, 0, beyond.get(kind.value, 0))
        for kind in ReviewKind
    )


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))
