"""Answering reviews: one person at a time looks at one, and what they say is the example's label, too."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, Select, and_, or_, select, update
from sqlalchemy.exc import IntegrityError

from lifecycle.errors import Conflict, InvalidInput
from lifecycle.review import Reviewed
from stores.ledger.held_jobs import wake_held
from stores.ledger.labels import PersonsLabel, Word, give_within, newest_within
from stores.ledger.review_schema import reviews
from stores.ledger.reviews import COLUMNS, OLDEST_FIRST, OPEN, review_of, unknown

TRIES = 20


@dataclass(frozen=True)
class Answered:
    """What a person says about one answer: 0 or 1, known from `at` on by the labels' clock.

    With `overrule` it takes the place of another person's word about the same example.
    """

    prediction_id: str
    label: int
    who: str
    because: str
    at: datetime
    overrule: bool = False


class Answering:
    """Claims and answers of the reviews of every model. Moments given as `now` are the machine's time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, who: str, now: datetime, minutes: Mapping[str, float]) -> Reviewed | None:
        """Return the answer that a person is to look at next, theirs from now on; None when nothing waits.

        `minutes` says by model how long it stays theirs; models without an entry are passed over. Who claimed one
        before and did not answer it gets the same again. Raises Conflict when others kept taking what was next.
        """
        free = or_(reviews.c.claimed_until.is_(None), reviews.c.claimed_until <= now, reviews.c.claimed_by == who)
        waiting = and_(OPEN, free, reviews.c.model.in_(list(minutes)))
        # What is theirs already comes first.
        mine_first = (reviews.c.claimed_by.is_not_distinct_from(who).desc(), *OLDEST_FIRST)
        wanted = select(*COLUMNS).where(waiting).order_by(*mine_first).limit(1)
        for _ in range(TRIES):
            with self._engine.begin() as connection:
                row = connection.execute(wanted).first()
                if row is None:
                    return None
                until = now + timedelta(minutes=minutes[row.model])
                mine = update(reviews).where(reviews.c.prediction_id == row.prediction_id, waiting)
                if connection.execute(mine.values(claimed_by=who, claimed_until=until)).rowcount == 1:
                    return review_of(connection.execute(_one(row.prediction_id)).one())
        raise Conflict("others kept taking what was next; ask again")

    def answer(self, said: Answered, now: datetime) -> tuple[Reviewed, PersonsLabel]:
        """Store what a person says, as the answer and as the example's label, both or neither.

        The same word by the same person changes nothing. Raises NotFound; InvalidInput for a label other than 0 and 1
        or an empty reason; Conflict when somebody else looks at it now, when it was answered otherwise, or when
        another word about the example stands: then `overrule` puts this one in its place, and both are kept.
        """
        for _ in range(TRIES):
            try:
                with self._engine.begin() as connection:
                    return _answer(connection, said, now)
            except IntegrityError:
                # On Postgres another word about the example was stored at the same moment.
                continue
        raise Conflict(f"others kept speaking about the example of {said.prediction_id}; say it again")


def _answer(connection: Connection, said: Answered, now: datetime) -> tuple[Reviewed, PersonsLabel]:
    row = connection.execute(_one(said.prediction_id)).first()
    if row is None:
        raise unknown(said.prediction_id)
    known = review_of(row)
    _require_free(known, said, now)
    standing = newest_within(connection, known.model, [known.example_id]).get(known.example_id)
    if standing is not None and standing.label != said.label and standing.who != said.who and not said.overrule:
        raise Conflict(
            f"{standing.who} said {standing.label} about {known.example_id} at {standing.known_at:%Y-%m-%d %H:%M} "
            f"({standing.source}: {standing.reason}), and you say {said.label}; say it again with `overrule` if you "
            "know better, and both words are kept"
        )
    given = give_within(
        connection,
        known.model,
        [Word(known.example_id, said.label)],
        source="review",
        who=said.who,
        reason=said.because,
        at=said.at,
    )[0]
    if (known.answer, known.answered_by) != (said.label, said.who.strip()):
        word = {"answer": said.label, "answered_by": said.who.strip(), "because": said.because.strip()}
        # On Postgres two may have read it as free; the one that the row does not wait for any more loses.
        mine = update(reviews).where(
            reviews.c.prediction_id == said.prediction_id, reviews.c.answered_at.is_not_distinct_from(known.answered_at)
        )
        if connection.execute(mine.values(**word, answered_at=now)).rowcount != 1:
            raise Conflict(f"prediction {said.prediction_id} was answered at the same moment; look at it again")
        wake_held(connection, known.request_id, now)
    return review_of(connection.execute(_one(said.prediction_id)).one()), given


def _require_free(known: Reviewed, said: Answered, now: datetime) -> None:
    if isinstance(said.label, bool) or said.label not in (0, 1):
        raise InvalidInput(f"the answer to {said.prediction_id} is {said.label!r}; allowed: 0 or 1")
    if known.answered_at is not None and not said.overrule:
        if (known.answer, known.answered_by) == (said.label, said.who.strip()):
            return
        raise Conflict(
            f"{known.answered_by} answered {known.answer} to {said.prediction_id}, at "
            f"{known.answered_at:%Y-%m-%d %H:%M} ({known.because}); say it again with `overrule` if you know better, "
            "and both words are kept"
        )
    taken = known.claimed_until is not None and known.claimed_until > now and known.claimed_by != said.who
    if taken and known.answered_at is None and known.claimed_until is not None:
        raise Conflict(
            f"{known.claimed_by} looks at {said.prediction_id} until {known.claimed_until:%Y-%m-%d %H:%M:%S} UTC; wait "
            "until then, or take the next one"
        )


def _one(prediction_id: str) -> Select[tuple[object, ...]]:
    return select(*COLUMNS).where(reviews.c.prediction_id == prediction_id)
