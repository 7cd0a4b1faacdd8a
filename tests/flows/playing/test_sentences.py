"""A decision is one sentence with its numbers."""

from dataclasses import replace

import pytest

from flows.playing.sentences import condensed, sentence
from lifecycle.outcome import Action
from lifecycle.verdict import Decision, Finding, Verdict
from tests.flows import toy

QUALITY = Finding(
    "shadow-quality",
    Verdict.PASS,
    -0.012,
    0.03,
    "log-loss is 0.4700 against the champion's 0.4820: better by 0.0120; sure",
)
DECISION = Decision(
    decision_id="d1",
    model="toy",
    version="3",
    action=Action.REJECT,
    verdict=Verdict.FAIL,
    reason="shadow-quality: log-loss is 0.7000: worse by 0.2, at most 0.03 allowed; certainly by at least 0.1",
    findings=(QUALITY,),
    policy_revision="p",
    plan_revision=4,
    actor="flow:supervise",
    decided_at=toy.START,
    evidence={"evidence": {}},
)


def test_a_rejection_tells_its_rule_value_and_limit() -> None:
    """The reason of the rule that decided, as it is recorded."""
    assert sentence(DECISION) == f"rejected: {DECISION.reason}"


def test_an_advance_tells_what_the_version_was_better_at() -> None:
    """Its reason alone counts answers."""
    advanced = replace(DECISION, action=Action.START_CANARY, reason="passed shadow: every rule over 900 answers")
    assert sentence(advanced) == (
        "canary: passed shadow: every rule over 900 answers; shadow-quality: log-loss is 0.4700 against the "
        "champion's 0.4820: better by 0.0120"
    )


def test_an_advance_that_was_better_at_nothing_tells_its_reason_alone() -> None:
    """An equal has earned its step, too."""
    equal = replace(
        DECISION, action=Action.PROMOTE, reason="every rule passed", findings=(replace(QUALITY, value=0.0),)
    )
    assert sentence(equal) == "champion: every rule passed"


@pytest.mark.parametrize("action", [*Action, "promote"])
def test_every_action_has_its_words(action: str) -> None:
    """None of them is printed as the ledger spells it."""
    assert "_" not in sentence(replace(DECISION, action=action, reason="because", findings=()))


def test_a_long_reason_ends_with_a_whole_clause() -> None:
    """The first clause is always there, however long it is."""
    assert condensed("one; two; three", longest=9) == "one; two"
    assert condensed("a very long clause; two", longest=9) == "a very long clause"
