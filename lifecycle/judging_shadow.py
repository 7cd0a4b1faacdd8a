"""Whether a version in shadow may meet users."""

from datetime import datetime

from lifecycle.evidence import Evidence
from lifecycle.outcome import Action, Outcome, StageChange
from lifecycle.plan import TrafficPlan
from lifecycle.rollout_policy import RolloutPolicy
from lifecycle.stages import Stage
from lifecycle.trial import (
    earned,
    findings_of,
    hold,
    hours_between,
    lacking,
    proven_harm,
    told,
    wait,
    what_holds_it_back,
)
from lifecycle.verdict import Finding, Verdict


def decide_shadow(plan: TrafficPlan, policy: RolloutPolicy, evidence: Evidence, now: datetime) -> Outcome:
    """Return START_CANARY when everything is proven, REJECT or HOLD on proof of harm, HOLD when it takes too long.

    Harm acts in every state of the plan; a held plan advances nothing. While another version is the canary, a shadow
    that has passed waits for its turn, without a page.
    """
    findings = findings_of(policy, evidence)
    harm = proven_harm(policy, findings)
    if harm is not None and harm.only_holds:
        return hold(plan, evidence, findings, Verdict.FAIL, told(harm.finding))
    if harm is not None:
        rejected = (StageChange(evidence.version, Stage.REJECTED),)
        reason = told(harm.finding)
        return Outcome(Action.REJECT, evidence.version, Verdict.FAIL, reason, findings, plan.end_shadow(), rejected)
    since_at = evidence.since_at if plan.shadow is None else plan.shadow.since_at
    hours = hours_between(since_at, now)
    missing = lacking(policy, findings, evidence, policy.shadow, hours)
    over_by = hours - policy.shadow.longest_hold_hours
    held_back = what_holds_it_back(plan, evidence, findings, missing, over_by)
    if held_back is not None:
        return held_back
    if plan.canary is not None:
        reason = f"everything is proven; version {plan.canary.version} is the canary, and one goes at a time"
        return wait(evidence, findings, Verdict.PASS, reason)
    return _start_canary(plan, policy, evidence, findings, now)


def _start_canary(
    plan: TrafficPlan, policy: RolloutPolicy, evidence: Evidence, findings: tuple[Finding, ...], now: datetime
) -> Outcome:
    share = policy.canary.steps[0].share
    reason = f"{earned(evidence)}; from shadow to {100 * share:g}% of the units"
    return Outcome(
        Action.START_CANARY,
        evidence.version,
        Verdict.PASS,
        reason,
        findings,
        plan.start_canary(share, now),
        (StageChange(evidence.version, Stage.CANARY),),
    )
