"""How many reviews may still be entered: a queue of one kind of a model's reviews takes so many open ones, no more."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite

from lifecycle.review import Reviewed, ReviewKind
from stores.ledger.review_schema import review_overflow, reviews

Queue: TypeAlias = tuple[str, ReviewKind]
"""A model, and a kind of its reviews. Each has its own room, so that unsure answers leave audited ones theirs."""
Put: TypeAlias = Callable[[Table], sqlite.Insert]
INSERTS: Mapping[str, Put] = {"sqlite": sqlite.insert, "postgresql": cast("Put", postgresql.insert)}
"""Both dialects spell an upsert alike, but share no type."""
AT_ONCE = 500
"""Databases limit how many values one statement may hold."""


def room(connection: Connection, most_open: Mapping[str, int]) -> Mapping[Queue, int]:
    """Return how many more reviews each queue takes; `most_open` is by model."""
    counted = (
        select(reviews.c.model, reviews.c.kind, func.count())
        .where(reviews.c.answered_at.is_(None), reviews.c.model.in_(list(most_open)))
        .group_by(reviews.c.model, reviews.c.kind)
    )
    waiting = {(model, ReviewKind(kind)): number for model, kind, number in connection.execute(counted)}
    return {
        (model, kind): max(0, most - waiting.get((model, kind), 0))
        for model, most in most_open.items()
        for kind in ReviewKind
    }


def fitting(
    connection: Connection, found: Sequence[Reviewed], most_open: Mapping[str, int]
) -> tuple[Sequence[Reviewed], Counter[Queue]]:
    """Return the reviews for which there is room, the first first, and how many of each queue there is none for.

    What was entered before needs no room. Until the transaction ends, nobody else enters into these queues within a
    bound. `most_open` has every model of `found`.
    """
    asked = Counter((one.model, one.kind) for one in found)
    # Also the lock: it makes others wait on a database that lets several write.
    add_overflow(connection, dict.fromkeys(asked, 0))
    left = dict(room(connection, most_open))
    if all(number <= left[queue] for queue, number in asked.items()):
        return found, Counter()
    known = _known(connection, [one.prediction_id for one in found])
    taken: list[Reviewed] = []
    beyond: Counter[Queue] = Counter()
    for one in found:
        queue = one.model, one.kind
        if one.prediction_id in known:
            continue
        if left[queue]:
            left[queue] -= 1
            taken.append(one)
        else:
            beyond[queue] += 1
    return taken, beyond


def add_overflow(connection: Connection, numbers: Mapping[Queue, int]) -> None:
    """Count reviews that found no room."""
    put = INSERTS[connection.dialect.name]
    # In one order everywhere, so that no two transactions wait for each other.
    for (model, kind), number in sorted(numbers.items()):
        counted = put(review_overflow).values(model=model, kind=kind.value, number=number)
        more = {"number": review_overflow.c.number + number}
        connection.execute(counted.on_conflict_do_update(index_elements=["model", "kind"], set_=more))


def _known(connection: Connection, ids: Sequence[str]) -> frozenset[str]:
    found: set[str] = set()
    for first in range(0, len(ids), AT_ONCE):
        asked = reviews.c.prediction_id.in_(ids[first : first + AT_ONCE])
        found.update(connection.scalars(select(reviews.c.prediction_id).where(asked)))
    return frozenset(found)
