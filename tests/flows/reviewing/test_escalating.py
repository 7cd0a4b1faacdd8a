"""People are called once for what waited too long, whatever is killed in between."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from flows.reviewing.escalating import escalate_overdue
from lifecycle.verdict import Decision
from stores.ledger.decisions import Decisions
from stores.ledger.opening import open_ledger
from stores.ledger.reviews import Reviews
from stores.settings import Settings
from tests.flows.reviewing.test_taking_in import POLICIES
from tests.stores.ledger.asked import NOON, asked

LATER = NOON + timedelta(hours=5)


class Killed(Exception):
    """The process ended here."""


@pytest.fixture
def engine(home: Settings) -> Engine:
    """A ledger in which two answers wait, due in one hour and in nine."""
    engine = open_ledger(home.ledger_address)
    Reviews(engine).enter([asked("a"), asked("b", 480)])
    return engine


def test_overdue_answer_calls_people_once_with_a_decision_that_says_who_and_how_long(engine: Engine) -> None:
    """The one that is not due yet is called for when it is."""
    pages: list[Decision] = []
    for now in (NOON, LATER, LATER, NOON + timedelta(hours=10)):
        escalate_overdue(engine, POLICIES["m"], pages.append, now, decided_at=NOON)
    assert [page.evidence["reviews"] for page in pages] == [["a"], ["b"]]
    first = Decisions(engine).get(pages[0].decision_id)
    assert first.reason.startswith(
        "1 unsure answer of m waited more than 2 hours for a person, the oldest 5.0 hours; on-call is to see"
    )
    assert (first.findings[0].value, first.findings[0].limit, first.actor) == (5.0, 2.0, "flow:review")
    assert Reviews(engine).get("a").escalation == first.decision_id


def test_killed_before_the_page_left_the_next_run_sends_the_same(engine: Engine) -> None:
    """One decision, one page."""

    def die(_: Decision) -> None:
        raise Killed

    with pytest.raises(Killed):
        escalate_overdue(engine, POLICIES["m"], die, LATER, decided_at=NOON)
    pages: list[Decision] = []
    escalate_overdue(engine, POLICIES["m"], pages.append, LATER, decided_at=NOON)
    assert len(pages) == len(Decisions(engine).of("m")) == 1


def test_model_without_reviews_calls_nobody(engine: Engine) -> None:
    """Whatever waits from before its policy lost them."""
    pages: list[Decision] = []
    policy = POLICIES["none"].model_copy(update={"model": "m"})
    assert escalate_overdue(engine, policy, pages.append, LATER, decided_at=NOON) == ()
    assert pages == []
