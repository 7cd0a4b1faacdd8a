"""A decision is read back as it was made."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from lifecycle.errors import NotFound
from lifecycle.verdict import Decision, Finding, Verdict
from stores.ledger.decisions import Decisions

DECISION = Decision(
    decision_id="d1",
    model="m",
    version="1",
    action="promote",
    verdict=Verdict.PASS,
    reason="auc 0.7 is at least 0.62 (rule floor)",
    findings=(Finding("floor", Verdict.PASS, 0.7, 0.62, "auc 0.7 is at least 0.62"),),
    policy_revision="abc",
    plan_revision=0,
    actor="flow train",
    decided_at=datetime(2013, 4, 1, tzinfo=UTC),
    evidence={"auc": 0.7},
)


def test_a_recorded_decision_is_read_back_whole(ledger: Engine) -> None:
    """Findings, verdicts and evidence survive the trip."""
    decisions = Decisions(ledger)
    decisions.record(DECISION)
    assert decisions.get("d1") == DECISION
    assert decisions.of("m") == (DECISION,)


def test_an_unknown_decision_is_not_found(ledger: Engine) -> None:
    """The id that was asked for is named."""
    with pytest.raises(NotFound, match="d2"):
        Decisions(ledger).get("d2")


def test_decisions_of_one_moment_are_listed_in_the_order_of_storing(ledger: Engine) -> None:
    """A replay's clock stands still for many decisions, and no limit may cut off the newest of them."""
    decisions = Decisions(ledger)
    for number in (5, 9, 2, 7, 1):
        decisions.record(replace(DECISION, decision_id=f"d{number}", action=f"action {number}"))
        decisions.record(replace(DECISION, decision_id=f"other {number}", model="other"))
    assert [made.decision_id for made in decisions.of("m")] == ["d1", "d7", "d2", "d9", "d5"]
    assert [made.decision_id for made in decisions.of("m", limit=2)] == ["d1", "d7"]
    assert decisions.actions("m", "1") == tuple(f"action {number}" for number in (5, 9, 2, 7, 1))
