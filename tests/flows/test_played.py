"""The closing table tells each decision in order, and each version's answers once."""

from dataclasses import replace
from datetime import timedelta

from flows.played import decided
from flows.playing.attempts import Attempts, Counts
from lifecycle.outcome import Action
from lifecycle.verdict import Decision, Verdict
from tests.flows import toy

FIRST = Decision(
    decision_id="d1",
    model="toy",
    version="1",
    action=Action.PROMOTE,
    verdict=Verdict.PASS,
    reason="passes all 6 rules of the offline gate",
    findings=(),
    policy_revision="p",
    plan_revision=0,
    actor="flow:train",
    decided_at=toy.START,
)
NOBODY = Counts({}, shown=0, rows=0)


def test_decisions_are_told_oldest_first_and_those_of_one_moment_as_they_were_stored() -> None:
    """The ledger hands them over newest first; a person's word and a rule may be made from one plan."""
    later = toy.START + timedelta(hours=30)
    canary = replace(
        FIRST, decision_id="d2", version="2", action=Action.START_CANARY, decided_at=later, plan_revision=2
    )
    back = replace(FIRST, decision_id="d3", version="2", action=Action.ROLL_BACK, decided_at=later, plan_revision=2)
    rows = decided((back, canary, FIRST), NOBODY)
    assert [what for what, _ in rows] == ["decisions", "  01 Jan 00h  v1", "  02 Jan 06h  v2", "  02 Jan 06h  v2"]
    assert [figure.partition(":")[0] for _, figure in rows[1:]] == ["champion", "canary", "rolled back"]


def test_a_versions_answers_follow_its_last_decision() -> None:
    """By arm, with what failed."""
    step = replace(FIRST, decision_id="d2", action=Action.HOLD, decided_at=toy.START + timedelta(hours=1))
    counts = Counts({("1", "champion"): Attempts(9000, 0), ("1", "canary"): Attempts(40, 3)}, shown=9040, rows=9043)
    rows = decided((step, FIRST), counts)
    assert rows[-1] == ("", "answers of version 1: champion 9,000, canary 40 (3 failed)")
    assert sum("answers of" in figure for _, figure in rows) == 1


def test_steps_on_which_nothing_was_judged_are_counted_and_not_told() -> None:
    """Being let in and entering shadow are no verdicts about a version."""
    admitted = replace(FIRST, decision_id="d0", action=Action.ADMIT)
    rows = decided((FIRST, admitted), NOBODY)
    assert rows[0] == ("decisions", "2 made (holdfast decisions)")
    assert len(rows) == 2
