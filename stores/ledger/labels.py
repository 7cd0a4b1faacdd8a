"""Labels that people gave: every word is kept, the newest of an example stands."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Literal, get_args

import pandas as pd
from sqlalchemy import Connection, Engine, Row, func, insert, select
from sqlalchemy.exc import IntegrityError

from lifecycle.errors import Conflict, InvalidInput
from stores.ledger.watching_schema import labels

LabelSource = Literal["person", "review", "capture"]
"""How a person came to say it: unasked, in the review queue, or on captured answers."""
SOURCES: tuple[LabelSource, ...] = get_args(LabelSource)
TRIES = 5
AT_ONCE = 500
"""Databases limit how many values one statement may hold."""
LONGEST_ID = 300


@dataclass(frozen=True)
class PersonsLabel:
    """One word of a person about how an example turned out: 0 or 1, known from `known_at` on.

    `revision` counts the words about the example, from 1.
    """

    model: str
    example_id: str
    revision: int
    label: int
    source: LabelSource
    who: str
    reason: str
    known_at: datetime


@dataclass(frozen=True)
class Word:
    """What is said about one example."""

    example_id: str
    label: int


class PeoplesLabels:
    """The labels that people gave to the examples of every model."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def give(  # noqa: PLR0917 - they read as one sentence
        self, model: str, example_id: str, label: int, source: LabelSource, who: str, reason: str, at: datetime
    ) -> PersonsLabel:
        """Store a person's label and return the one that stands; see `give_all`."""
        return self.give_all(model, [Word(example_id, label)], source=source, who=who, reason=reason, at=at)[0]

    def give_all(
        self, model: str, words: Sequence[Word], *, source: LabelSource, who: str, reason: str, at: datetime
    ) -> tuple[PersonsLabel, ...]:
        """Store labels by one person, all or none, and return those that stand of these examples, in their order.

        The same word by the same person changes nothing, also when it is said again after a crash. Any other is a new
        revision, known from `at`, or from just when the one before it was if that is later. Raises InvalidInput for a
        label other than 0 and 1, an unknown source, an empty name or reason, or an example that is there twice;
        Conflict when others kept coming first.
        """
        _require_sound(words, source, who, reason)
        for _ in range(TRIES):
            try:
                with self._engine.begin() as connection:
                    return give_within(connection, model, words, source=source, who=who, reason=reason, at=at)
            except IntegrityError:
                continue
        raise Conflict(f"other people kept labelling the same examples of {model}; say it again")

    def newest(self, model: str, until: datetime | None = None) -> pd.DataFrame:
        """Return what stands of each example by a moment, it included; by now without one.

        The frame has one row per example, by id: the columns of PersonsLabel but `model`; `first_known_at`, when
        people first said anything of it; and `changed` (bool), whether they ever said otherwise. Times are
        datetime64[us, UTC].
        """
        said = select(labels).where(labels.c.model == model).order_by(labels.c.example_id, labels.c.revision)
        if until is not None:
            said = said.where(labels.c.known_at <= until)
        with self._engine.connect() as connection:
            rows = [_label(row) for row in connection.execute(said)]
        names = [field.name for field in fields(PersonsLabel) if field.name != "model"]
        frame = pd.DataFrame({name: [getattr(row, name) for row in rows] for name in names}, columns=names)
        frame = frame.astype({"example_id": object, "label": "int64", "revision": "int64"})
        frame["known_at"] = pd.to_datetime(frame["known_at"], utc=True).astype("datetime64[us, UTC]")
        of_each = frame.groupby("example_id")
        frame["first_known_at"] = of_each["known_at"].transform("min")
        frame["changed"] = of_each["label"].transform("nunique") > 1
        return frame.drop_duplicates("example_id", keep="last", ignore_index=True)

    def all(self, model: str, limit: int | None = None) -> tuple[PersonsLabel, ...]:
        """Return a model's labels with every revision, newest first."""
        said = select(labels).where(labels.c.model == model)
        said = said.order_by(labels.c.known_at.desc(), labels.c.example_id, labels.c.revision.desc())
        with self._engine.connect() as connection:
            return tuple(_label(row) for row in connection.execute(said if limit is None else said.limit(limit)))

    def models(self) -> tuple[str, ...]:
        """Return the models of which people labelled anything, sorted."""
        with self._engine.connect() as connection:
            return tuple(sorted(connection.scalars(select(labels.c.model).distinct())))


def give_within(
    connection: Connection,
    model: str,
    words: Sequence[Word],
    *,
    source: LabelSource,
    who: str,
    reason: str,
    at: datetime,
) -> tuple[PersonsLabel, ...]:
    """Store labels within a transaction, as `PeoplesLabels.give_all` does.

    Raises InvalidInput as that does, and IntegrityError where others came first: then nothing of the transaction may
    stand.
    """
    _require_sound(words, source, who, reason)
    standing = newest_within(connection, model, [word.example_id for word in words])
    said = [
        PersonsLabel(model, word.example_id, 1, word.label, source, who.strip(), reason.strip(), at) for word in words
    ]
    given = tuple(_after(standing.get(one.example_id), one) for one in said)
    fresh = [one for one in given if one != standing.get(one.example_id)]
    if fresh:
        connection.execute(insert(labels), [_columns(one) for one in fresh])
    return given


def _require_sound(words: Sequence[Word], source: str, who: str, reason: str) -> None:
    for word in words:
        if isinstance(word.label, bool) or word.label not in (0, 1):
            raise InvalidInput(f"the label of {word.example_id} is {word.label!r}; allowed: 0 or 1")
        if not word.example_id.strip():
            raise InvalidInput("an example id is empty; give the id as the prediction log has it")
        if len(word.example_id) > LONGEST_ID:
            raise InvalidInput(f"an example id has {len(word.example_id)} characters; at most {LONGEST_ID} are kept")
    if source not in SOURCES:
        raise InvalidInput(f"the source of a label is {source!r}; allowed: {', '.join(SOURCES)}")
    if not who.strip():
        raise InvalidInput("nobody is named as the one who says so; give a name")
    if not reason.strip():
        raise InvalidInput("the reason is empty; say how you know, for those who read the label later")
    ids = [word.example_id for word in words]
    if len(set(ids)) < len(ids):
        twice = sorted({one for one in ids if ids.count(one) > 1})
        raise InvalidInput(f"{', '.join(twice)} is there more than once; give each example one label")


def newest_within(connection: Connection, model: str, ids: Sequence[str]) -> dict[str, PersonsLabel]:
    """Return what stands of some examples by now, by their ids; what nobody labelled is left out."""
    found: dict[str, PersonsLabel] = {}
    for first in range(0, len(ids), AT_ONCE):
        asked = labels.c.example_id.in_(ids[first : first + AT_ONCE])
        newest = (
            select(labels.c.example_id, func.max(labels.c.revision).label("revision"))
            .where(labels.c.model == model, asked)
            .group_by(labels.c.example_id)
            .subquery()
        )
        standing = select(labels).join(
            newest, (labels.c.example_id == newest.c.example_id) & (labels.c.revision == newest.c.revision)
        )
        rows = connection.execute(standing.where(labels.c.model == model))
        found |= {row.example_id: _label(row) for row in rows}
    return found


def _after(standing: PersonsLabel | None, said: PersonsLabel) -> PersonsLabel:
    """Return what stands once something was said: the same, where it says nothing new."""
    if standing is None:
        return said
    if (standing.label, standing.source, standing.who) == (said.label, said.source, said.who):
        return standing
    # A replayed clock may be set back; the later word is the later one all the same.
    return replace(said, revision=standing.revision + 1, known_at=max(said.known_at, standing.known_at))


def _columns(label: PersonsLabel) -> dict[str, object]:
    return {field.name: getattr(label, field.name) for field in fields(label)}


def _label(row: Row[tuple[object, ...]]) -> PersonsLabel:
    return PersonsLabel(**row._asdict())
