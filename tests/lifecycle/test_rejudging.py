"""A stored decision is judged again from its evidence alone."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest
from pydantic import TypeAdapter

from lifecycle.admission import Checkup, Problem, decide_admission
from lifecycle.errors import EvidenceMissing, InvalidInput
from lifecycle.evaluation import Evaluation, Measured, Metrics
from lifecycle.gate import decide_gate
from lifecycle.outcome import Action, Outcome, decision_of
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from lifecycle.rejudging import Judged, is_a_persons, judge_again
from lifecycle.rollout import decide_rollout
from lifecycle.rollout_policy import ArmName
from lifecycle.verdict import Decision, Verdict
from tests.lifecycle.rollouts import START, evidence_of, plan_of, two_steps

NOW = START + timedelta(hours=3)
ARMS: Mapping[str, ArmName] = {"shadow": "shadow", "canary": "canary", "last-step": "canary", "champion": "champion"}


def stored(outcome: Outcome, plan: TrafficPlan, evidence: Mapping[str, object], actor: str = "flow:x") -> Decision:
    """Return a decision as the ledger gives it back: what is JSON in it went through JSON."""
    return decision_of(
        outcome,
        plan,
        decision_id="d1",
        policy_revision="abc",
        actor=actor,
        decided_at=NOW,
        evidence=json.loads(json.dumps(evidence)),
    )


def rollout_decision(plan: TrafficPlan, arm: ArmName, verdict: Verdict, now: datetime = NOW) -> Decision:
    """Return what supervise would store."""
    policy, evidence = two_steps(), evidence_of(plan, arm, verdict)
    document = {
        "evidence": evidence.model_dump(mode="json"),
        "policy": policy.model_dump(mode="json"),
        "plan": TypeAdapter(TrafficPlan).dump_python(plan, mode="json"),
        "now": now.isoformat(),
    }
    return stored(decide_rollout(plan, policy, evidence, now), plan, document)


def measured(log_loss: float) -> Metrics:
    """Return metrics with a loss."""
    return Metrics(
        rows=1000,
        positives=250,
        auc=0.7,
        average_precision=0.5,
        brier=0.1,
        log_loss=log_loss,
        calibration_error=0.01,
        cost_per_row=0.3,
    )


def gate_decision(policy: Policy, *, first_version: bool) -> Decision:
    """Return what a training would store: refused for too few rows only when the policy asks for more."""
    found = Evaluation(
        candidate=Measured(overall=measured(0.4), slices={}), rivals={}, absent={}, first_version=first_version
    )
    gate = decide_gate(found, policy)
    action = Action.REJECT
    if gate.verdict is Verdict.PASS:
        action = Action.PROMOTE if first_version else Action.ADMIT
    outcome = Outcome(action, "3", gate.verdict, gate.reason, gate.findings)
    document = {"evaluation": found.model_dump(mode="json"), "policy": policy.model_dump(mode="json")}
    return stored(outcome, plan_of("champion"), document)


def as_judged(decision: Decision) -> Judged:
    """Return what a decision said."""
    return Judged(decision.verdict, decision.action, decision.reason)


@pytest.mark.parametrize(
    ("arm", "verdict", "hours"),
    list(product(ARMS, (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE), (1, 3, 300))),
)
def test_a_rollouts_decision_comes_out_the_same(arm: str, verdict: Verdict, hours: int) -> None:
    """Every arm, every verdict, early, in time and too late, after a way through JSON."""
    decision = rollout_decision(plan_of(arm), ARMS[arm], verdict, START + timedelta(hours=hours))
    assert judge_again(decision) == as_judged(decision)


@pytest.mark.parametrize("first_version", [True, False])
@pytest.mark.parametrize("minimum", [100, 5000])
def test_a_gates_decision_comes_out_the_same(minimum: int, *, first_version: bool) -> None:
    """Promoted as the first, admitted beside a champion, refused for thin evidence."""
    policy = two_steps()
    training = policy.training.model_copy(update={"minimum_validation_rows": minimum})
    decision = gate_decision(policy.model_copy(update={"training": training}), first_version=first_version)
    assert (decision.verdict is Verdict.PASS) == (minimum == 100)
    assert judge_again(decision) == as_judged(decision)


@pytest.mark.parametrize("problems", [(), (Problem(check="contract", reason="Name the columns."),)])
def test_an_admission_comes_out_the_same(problems: tuple[Problem, ...]) -> None:
    """Let in, and refused with what to change."""
    policy = two_steps()
    checkup = Checkup(size_mb=1, inputs=2, problems=problems, latency_ms_1_row=1, latency_ms_64_rows=2)
    outcome = decide_admission("3", checkup, policy.pick_up)
    document = {"checkup": checkup.model_dump(mode="json"), "policy": policy.model_dump(mode="json")}
    decision = stored(outcome, plan_of("champion"), document)
    assert judge_again(decision) == as_judged(decision)


def test_altered_evidence_comes_out_different() -> None:
    """Who changes a stored count is found out."""
    decision = rollout_decision(plan_of("canary"), "canary", Verdict.FAIL)
    altered = json.loads(json.dumps(decision.evidence))
    altered["evidence"]["rules"][0]["slices"][0]["measured"]["candidate"]["events"] = 0
    assert judge_again(decision) == as_judged(decision)
    assert judge_again(replace(decision, evidence=altered)) != as_judged(decision)


def test_a_verdict_that_the_evidence_does_not_give_comes_out_different() -> None:
    """A decision that says more than its evidence is found out."""
    decision = rollout_decision(plan_of("canary"), "canary", Verdict.INCONCLUSIVE)
    assert judge_again(replace(decision, verdict=Verdict.PASS, action="advance")) != Judged(
        Verdict.PASS, "advance", decision.reason
    )


def test_a_persons_decision_has_nothing_to_judge() -> None:
    """It is told by its actor, and asking all the same is refused."""
    outcome = Outcome(Action.HOLD, "3", Verdict.INCONCLUSIVE, "a storm", ())
    decision = stored(outcome, plan_of("canary"), {"said": "a storm"}, actor="person:on-call")
    assert is_a_persons(decision)
    assert not is_a_persons(replace(decision, actor="flow:supervise"))
    with pytest.raises(EvidenceMissing, match=r"d1 \(hold by person:on-call\) was not judged"):
        judge_again(decision)


@pytest.mark.parametrize("spoiled", ["evidence", "policy", "plan", "now"])
def test_evidence_that_cannot_be_read_says_so(spoiled: str) -> None:
    """An older shape is no verdict, and no traceback."""
    decision = rollout_decision(plan_of("canary"), "canary", Verdict.PASS)
    for evidence in (
        {**decision.evidence, spoiled: {"of": "another time"}},
        {name: value for name, value in decision.evidence.items() if name != spoiled},
    ):
        with pytest.raises(EvidenceMissing, match="d1"):
            judge_again(replace(decision, evidence=evidence))


def test_evidence_about_another_version_is_refused() -> None:
    """The plan that was stored beside it must be its own."""
    decision = rollout_decision(plan_of("canary"), "canary", Verdict.PASS)
    other = rollout_decision(plan_of("shadow"), "shadow", Verdict.PASS)
    with pytest.raises(InvalidInput, match="gather it for the plan"):
        judge_again(replace(decision, evidence={**decision.evidence, "plan": other.evidence["plan"]}))
