"""The latest known word about an example stands, whoever said it."""

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from flows.measuring.outcomes import known_labels
from stores.events import EventStore
from stores.ledger.labels import PeoplesLabels
from stores.ledger.opening import open_ledger
from stores.settings import Settings
from tests.flows import toy
from tests.flows.answered_toy import NOW, asked

DAY = timedelta(days=1)


@pytest.fixture
def one() -> pd.Series:
    """Return an ask of two days ago."""
    return asked(-2 * DAY, -1 * DAY).iloc[0]


def known(kept: Settings, now: datetime = NOW) -> pd.DataFrame:
    """Return what is known of the last three days."""
    people = PeoplesLabels(open_ledger(kept.ledger_address))
    found = known_labels(toy.DEFINITION, EventStore(kept.events), people, start=NOW - 3 * DAY, end=NOW, now=now)
    return found.set_index("example_id")


def correct(kept: Settings, ask: pd.Series, at: datetime, **changed: Any) -> int:
    """Store a later version of an ask's event; return how many events were new."""
    event = pd.DataFrame([ask]).assign(known_at=pd.Timestamp(at).as_unit("us"), **changed)
    return EventStore(kept.events).merge("toy", "asks", ("ask",), event)


def say(kept: Settings, example: str, label: int, at: datetime, who: str = "ada") -> None:
    """Let a person label an example."""
    PeoplesLabels(open_ledger(kept.ledger_address)).give("toy", example, label, "person", who, "looked", at)


def test_labels_are_those_of_the_events_once_each(kept: Settings) -> None:
    """With nothing corrected there is one word per example, and it is the outcome."""
    found, asks = known(kept), asked(-3 * DAY, timedelta())
    asks = asks[asks["known_at"] < NOW]
    assert found["label"].to_dict() == dict(zip(asks["ask"].astype(str), asks["answer"], strict=True))
    assert (found["source"] == "outcome").all()
    assert (found["revisions"] == 1).all()
    assert not found["corrected"].any()


def test_a_corrected_outcome_stands_and_its_first_word_is_told(kept: Settings, one: pd.Series) -> None:
    """The event store keeps both versions; before the correction was known, the first stands."""
    at = NOW - timedelta(hours=3)
    correct(kept, one, at, answer=1 - one["answer"])
    found = known(kept).loc[str(one["ask"])]
    assert (found["label"], found["revisions"], found["corrected"]) == (1 - one["answer"], 2, True)
    assert (found["label_known_at"], found["first_known_at"]) == (at, one["known_at"])
    assert known(kept, now=at).loc[str(one["ask"])]["label"] == one["answer"]


def test_the_same_outcome_again_is_no_revision(kept: Settings, one: pd.Series) -> None:
    """What arrives twice is stored once."""
    assert correct(kept, one, one["known_at"]) == 0
    assert known(kept).loc[str(one["ask"])]["revisions"] == 1


def test_a_question_announced_anew_after_it_was_answered_keeps_its_label(kept: Settings, one: pd.Series) -> None:
    """Its newest version is asked outside the window; that it turned out somehow stays known."""
    correct(kept, one, NOW - timedelta(hours=1), asked_at=pd.Timestamp(NOW + DAY).as_unit("us"))
    assert known(kept).loc[str(one["ask"])]["label"] == one["answer"]


def test_a_label_that_is_taken_back_is_gone(kept: Settings, one: pd.Series, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that is still asked, and whose newest event has no outcome, has none."""

    def examples(events: object, start: datetime, end: datetime) -> pd.DataFrame:
        rows = toy.examples(events, start, end)  # type: ignore[arg-type]
        return rows[rows["label"] >= 0]

    monkeypatch.setitem(toy.DEFINITION.__dict__, "examples", examples)
    correct(kept, one, NOW - timedelta(hours=1), answer=-1)
    assert str(one["ask"]) not in known(kept).index


def test_a_persons_word_stands_until_a_later_outcome(kept: Settings, one: pd.Series) -> None:
    """The latest known wins, and how many words there were is told."""
    example, other = str(one["ask"]), 1 - int(one["answer"])
    say(kept, example, other, NOW - timedelta(hours=5))
    found = known(kept).loc[example]
    assert (found["label"], found["source"], found["revisions"], found["corrected"]) == (other, "person", 2, True)
    correct(kept, one, NOW - timedelta(hours=2))
    found = known(kept).loc[example]
    assert (found["label"], found["source"], found["revisions"]) == (1 - other, "outcome", 3)


def test_a_person_may_label_what_no_event_tells_of(kept: Settings) -> None:
    """An odd request has no outcome of its own."""
    say(kept, "odd", 1, NOW)
    assert known(kept).loc["odd"]["label"] == 1
    assert "odd" not in known(kept, now=NOW - timedelta(seconds=1)).index
