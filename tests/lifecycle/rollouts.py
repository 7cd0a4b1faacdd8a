"""Plans, policies and evidence for tests of the rollout; counts are chosen so that their verdict is beyond doubt."""

from datetime import UTC, datetime

from lifecycle.decision_policy import DecisionPolicy
from lifecycle.evidence import Evidence, Measured, Rates, RuleEvidence, Series, SliceEvidence, Tally
from lifecycle.plan import TrafficPlan, empty_plan
from lifecycle.policy import (
    BoosterPolicy,
    CostPolicy,
    GateRequirement,
    GateRule,
    Policy,
    ServingPolicy,
    TrainingPolicy,
)
from lifecycle.rollout_policy import ArmName, CanaryStep, RolloutPolicy
from lifecycle.verdict import Verdict
from tests.policies import IDEMPOTENCY, JOBS, PEOPLE, PICK_UP, RESOURCES, RETRAINING, TIERS, WATCHING, small_rollout

START = datetime(2013, 4, 1, tzinfo=UTC)
COUNTS = {Verdict.PASS: (0, 400), Verdict.FAIL: (300, 400), Verdict.INCONCLUSIVE: (0, 3)}


def policy_with(rollout: RolloutPolicy) -> Policy:
    """Return a whole policy around a rollout."""
    return Policy(
        model="m",
        owner="owners",
        serving=ServingPolicy(
            max_rows_per_request=1,
            max_body_bytes=1,
            max_batch_rows=1,
            max_added_wait_ms=0,
            max_queued_requests=1,
            feature_cache_seconds=0,
        ),
        resources=RESOURCES,
        tiers=TIERS,
        idempotency=IDEMPOTENCY,
        decision=DecisionPolicy(threshold=0.25, positive="yes", negative="no", overrides=(), safety_filters=()),
        cost=CostPolicy(false_alarm=1, missed=3),
        training=TrainingPolicy(
            window_days=90,
            validation_days=30,
            label_maturity_hours=24,
            minimum_rows=100,
            minimum_validation_rows=500,
            seed=1,
            rounds=10,
            parameters=BoosterPolicy(
                max_depth=3, learning_rate=0.1, subsample=1, colsample_bytree=1, min_child_weight=1, reg_lambda=1
            ),
        ),
        offline_gate=(GateRule(id="ranks", require=GateRequirement(metric="auc", at_least=0.6), because="So it is."),),
        pick_up=PICK_UP,
        rollout=rollout,
        watching=WATCHING,
        retraining=RETRAINING,
        jobs=JOBS,
        people=PEOPLE,
    )


def two_steps() -> Policy:
    """Return a policy of two canary steps that asks for 2 hours and 100 answers, and at most 10 hours, everywhere."""
    rollout = small_rollout("unit")
    asked = {"minimum_hours": 2, "minimum_answers": 100, "minimum_labels": 0}
    steps = tuple(CanaryStep.model_validate({"share": share, **asked}) for share in (0.1, 0.5))
    return policy_with(
        rollout.model_copy(
            update={
                "shadow": rollout.shadow.model_copy(update={**asked, "longest_hold_hours": 10}),
                "canary": rollout.canary.model_copy(update={"steps": steps, "longest_hold_hours": 10}),
            }
        )
    )


def plan_of(arm: str, *, held: bool = False, pinned: bool = False) -> TrafficPlan:
    """Return a plan of champion 2, with 1 as way back, and version 3 in an arm: shadow, canary or last-step."""
    plan = empty_plan("m").promote("1", START).promote("2", START)
    if arm != "champion":
        plan = plan.start_shadow("3", START)
    if arm in {"canary", "last-step"}:
        plan = plan.start_canary(0.1, START)
    if arm == "last-step":
        plan = plan.advance_canary(0.5, START)
    if pinned:
        return plan.pin("a person said so")
    return plan.hold("a person said so") if held else plan


def evidence_of(
    plan: TrafficPlan,
    arm: ArmName,
    verdict: Verdict = Verdict.PASS,
    *,
    answers: int = 1000,
    trouble: tuple[str, ...] = (),
) -> Evidence:
    """Return evidence about an arm of a plan whose one rule, on errors, comes to a verdict."""
    events, observations = COUNTS[verdict]
    tally, none = Tally(events=events, observations=observations), Tally(events=0, observations=observations)
    measured: Measured = Rates(candidate=tally, baseline=none)
    version, since = str(plan.champion), plan.champion_since_revision
    if arm == "champion":
        measured = Series(span_seconds=60, tallies=(tally,))
    else:
        standing = plan.shadow if arm == "shadow" else plan.canary
        assert standing is not None
        version, since = standing.version, standing.since_revision
    return Evidence(
        arm=arm,
        version=version,
        baseline=None if arm == "champion" else plan.champion,
        since_revision=since,
        since_at=START,
        until_at=START,
        labels_until_at=None,
        answers=answers,
        labelled=0,
        dropped=0,
        trouble=trouble,
        rules=(RuleEvidence(rule_id=f"{arm}-errors", slices=(SliceEvidence(where="", measured=measured),)),),
    )
