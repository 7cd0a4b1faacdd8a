"""What follows for each arm, for every verdict, state of the plan, and minimum reached or not."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import cast

import pytest

from lifecycle.errors import InvalidInput
from lifecycle.evidence import Evidence
from lifecycle.outcome import PAGES, Action
from lifecycle.rollout import decide_rollout
from lifecycle.rollout_policy import ArmName
from lifecycle.stages import Stage, move
from lifecycle.verdict import Verdict
from tests.lifecycle.rollouts import START, evidence_of, plan_of, policy_with, two_steps

ARMS = ("shadow", "canary", "last-step", "champion")
VERDICTS = (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE)
STATES = ("free", "held", "pinned")
HOURS = {"too early": 1.0, "in time": 5.0, "too late": 11.0}
ANSWERS = {"none": 0, "few": 50, "enough": 1000}
FORWARD = {"shadow": Action.START_CANARY, "canary": Action.ADVANCE, "last-step": Action.PROMOTE}
BACK = {"shadow": Action.REJECT, "canary": Action.ROLL_BACK, "last-step": Action.ROLL_BACK}
TABLE = list(product(ARMS, VERDICTS, STATES, HOURS, ANSWERS))


def name_of(arm: str) -> ArmName:
    """Return the arm as evidence calls it."""
    return cast("ArmName", "canary" if arm == "last-step" else arm)


def expected(arm: str, verdict: Verdict, state: str, time: str, answers: str) -> Action:
    """Return the action that the rules of the rollout demand, read off case by case."""
    if arm == "champion":
        champion = {"free": Action.ROLL_BACK, "held": Action.ROLL_BACK, "pinned": Action.ALARM}
        return champion[state] if verdict is Verdict.FAIL else Action.WAIT
    if verdict is Verdict.FAIL:
        return BACK[arm]
    if state != "free":
        return Action.WAIT
    if (verdict, answers) == (Verdict.PASS, "enough") and time != "too early":
        return FORWARD[arm]
    return Action.HOLD if time == "too late" else Action.WAIT


@pytest.mark.parametrize(("arm", "verdict", "state", "time", "answers"), TABLE)
def test_every_arm_verdict_and_state_leads_to_its_action(
    arm: str, verdict: Verdict, state: str, time: str, answers: str
) -> None:
    """No combination is left to chance, and each moves the versions only where the transition table allows."""
    plan = plan_of(arm, held=state == "held", pinned=state == "pinned")
    evidence = evidence_of(plan, name_of(arm), verdict, answers=ANSWERS[answers])
    outcome = decide_rollout(plan, two_steps(), evidence, START + timedelta(hours=HOURS[time]))
    assert outcome.action == expected(arm, verdict, state, time, answers)
    assert (outcome.plan is None) == (outcome.action in {Action.WAIT, Action.ALARM})
    assert outcome.plan is None or outcome.plan.revision == plan.revision + 1
    stands = {"3": Stage.SHADOW if arm == "shadow" else Stage.CANARY, "2": Stage.CHAMPION, "1": Stage.RETIRED}
    for change in outcome.stages:
        move(stands[change.version], change.stage)
        if change.version == "3" and state != "free":
            move(Stage.HELD, change.stage)


@pytest.mark.parametrize("arm", ["shadow", "canary", "champion"])
@pytest.mark.parametrize("state", ["free", "held"])
def test_trouble_is_proof_of_failure_at_once(arm: str, state: str) -> None:
    """A version that does not stand needs no statistics, and no minimum."""
    plan = plan_of(arm, held=state == "held")
    evidence = evidence_of(plan, name_of(arm), trouble=("replica a1: its process died with exit code 137",), answers=0)
    outcome = decide_rollout(plan, two_steps(), evidence, START)
    assert outcome.verdict is Verdict.FAIL
    assert outcome.action in {Action.REJECT, Action.ROLL_BACK}
    assert outcome.reason.startswith("stands-and-runs: replica a1: its process died with exit code 137")


def test_standing_without_trouble_has_no_numbers_and_trouble_has_two_that_differ() -> None:
    """A pass and a failure that show the same two numbers would say nothing."""
    plan = plan_of("shadow")
    fine, *_ = decide_rollout(plan, two_steps(), evidence_of(plan, "shadow"), START).findings
    assert (fine.rule_id, fine.value, fine.limit) == ("stands-and-runs", None, None)
    bad, *_ = decide_rollout(plan, two_steps(), evidence_of(plan, "shadow", trouble=("it died",)), START).findings
    assert (bad.rule_id, bad.value, bad.limit) == ("stands-and-runs", 1, 0)


def test_promoting_retires_the_old_champion_and_ends_the_trial() -> None:
    """The last step leaves one champion, its way back, and no canary."""
    plan = plan_of("last-step")
    outcome = decide_rollout(plan, two_steps(), evidence_of(plan, "canary"), START + timedelta(hours=5))
    assert outcome.plan is not None
    assert (outcome.plan.champion, outcome.plan.previous, outcome.plan.canary) == ("3", "2", None)
    assert [(change.version, str(change.stage)) for change in outcome.stages] == [("2", "retired"), ("3", "champion")]


def test_rolling_a_champion_back_brings_the_previous_one() -> None:
    """The version that failed is taken back, and the one before it answers."""
    plan = plan_of("champion")
    outcome = decide_rollout(plan, two_steps(), evidence_of(plan, "champion", Verdict.FAIL), START)
    assert outcome.plan is not None
    assert (outcome.plan.champion, outcome.plan.previous) == ("1", None)
    assert [(change.version, str(change.stage)) for change in outcome.stages] == [
        ("2", "rolled_back"),
        ("1", "champion"),
    ]


def test_champion_without_a_previous_is_held_once_and_then_waits() -> None:
    """There is nothing to go back to, so a person is paged, and not again at each look."""
    plan = replace(plan_of("champion"), previous=None)
    evidence = evidence_of(plan, "champion", Verdict.FAIL)
    first = decide_rollout(plan, two_steps(), evidence, START)
    assert (first.action, first.stages) == (Action.HOLD, ())
    assert first.plan is not None
    assert decide_rollout(first.plan, two_steps(), evidence, START).action is Action.WAIT
    held_for_another_reason = plan.hold("maintenance")
    assert decide_rollout(held_for_another_reason, two_steps(), evidence, START).action is Action.ALARM


def test_rule_that_only_holds_keeps_the_version_where_it_stands() -> None:
    """A policy may ask for a person instead of a roll back."""
    whole = two_steps()
    rules = tuple(rule.model_copy(update={"then": "hold"}) for rule in whole.rollout.rules)
    plan = plan_of("canary")
    outcome = decide_rollout(
        plan,
        policy_with(whole.rollout.model_copy(update={"rules": rules})),
        evidence_of(plan, "canary", Verdict.FAIL),
        START,
    )
    assert (outcome.action, outcome.verdict) == (Action.HOLD, Verdict.FAIL)
    assert outcome.plan is not None
    assert outcome.plan.canary == plan.canary
    assert [str(change.stage) for change in outcome.stages] == ["held"]


def test_no_shadow_traffic_is_a_hold_that_says_so() -> None:
    """Silence is never a pass, and its page names the cause."""
    plan = plan_of("shadow")
    evidence = evidence_of(plan, "shadow", Verdict.INCONCLUSIVE, answers=0)
    outcome = decide_rollout(plan, two_steps(), evidence, START + timedelta(hours=11))
    assert outcome.action in PAGES
    assert "it has answered nothing: no shadow traffic reached it" in outcome.reason


def test_resumed_version_advances_when_it_is_proven() -> None:
    """After a person resumed, the rules act again with the full time anew."""
    later = START + timedelta(hours=20)
    plan = plan_of("shadow", held=True).resume(later)
    evidence = evidence_of(plan, "shadow")
    assert decide_rollout(plan, two_steps(), evidence, later).action is Action.WAIT
    assert decide_rollout(plan, two_steps(), evidence, later + timedelta(hours=3)).action is Action.START_CANARY


def test_shadow_that_passed_waits_while_another_is_canary() -> None:
    """One canary at a time, and waiting for one's turn is no page."""
    plan = plan_of("canary").start_shadow("4", START)
    outcome = decide_rollout(plan, two_steps(), evidence_of(plan, "shadow"), START + timedelta(hours=50))
    assert (outcome.action, outcome.verdict) == (Action.WAIT, Verdict.PASS)
    assert "version 3 is the canary" in outcome.reason


def test_veto_only_rule_without_proof_does_not_hold_back() -> None:
    """Such a rule acts on harm alone."""
    whole = two_steps()
    rules = tuple(rule.model_copy(update={"veto_only": True}) for rule in whole.rollout.rules)
    plan = plan_of("canary")
    evidence = evidence_of(plan, "canary", Verdict.INCONCLUSIVE)
    free = policy_with(whole.rollout.model_copy(update={"rules": rules}))
    assert decide_rollout(plan, free, evidence, START + timedelta(hours=5)).action is Action.ADVANCE


def test_canary_beyond_a_policy_that_became_shorter_is_judged_by_its_last_step() -> None:
    """A changed policy never leaves a canary that nobody judges."""
    whole = two_steps()
    short = whole.rollout.canary.model_copy(update={"steps": whole.rollout.canary.steps[:1]})
    plan = plan_of("last-step")
    policy = policy_with(whole.rollout.model_copy(update={"canary": short}))
    outcome = decide_rollout(plan, policy, evidence_of(plan, "canary"), START + timedelta(hours=5))
    assert outcome.action is Action.PROMOTE


def test_steps_below_where_the_canary_stands_are_a_page() -> None:
    """A policy whose next step is smaller cannot be followed, and says so."""
    whole = two_steps()
    low = tuple(
        step.model_copy(update={"share": share})
        for step, share in zip(whole.rollout.canary.steps, (0.01, 0.05), strict=True)
    )
    canary = whole.rollout.canary.model_copy(update={"steps": low})
    plan = plan_of("canary")
    policy = policy_with(whole.rollout.model_copy(update={"canary": canary}))
    outcome = decide_rollout(plan, policy, evidence_of(plan, "canary"), START + timedelta(hours=5))
    assert outcome.action is Action.HOLD
    assert outcome.reason.startswith("canary-steps: the policy's next step is 5% of the units")


@pytest.mark.parametrize(
    "change", [{"version": "9"}, {"since_revision": 99}, {"baseline": "1"}], ids=["version", "revision", "baseline"]
)
@pytest.mark.parametrize("arm", ["shadow", "canary"])
def test_evidence_about_something_else_raises(arm: str, change: dict[str, object]) -> None:
    """Nobody is judged by another's record."""
    plan = plan_of(arm)
    evidence: Evidence = evidence_of(plan, name_of(arm)).model_copy(update=change)
    with pytest.raises(InvalidInput, match="gather it for the plan that is decided on"):
        decide_rollout(plan, two_steps(), evidence, START)


def test_rule_that_nobody_measured_is_never_a_pass() -> None:
    """Missing evidence holds a version back like thin evidence does."""
    plan = plan_of("shadow")
    evidence = evidence_of(plan, "shadow").model_copy(update={"rules": ()})
    outcome = decide_rollout(plan, two_steps(), evidence, START + timedelta(hours=5))
    assert outcome.action is Action.WAIT
    assert "shadow-errors: no evidence was gathered for this rule" in outcome.reason
