"""Whether a canary takes its next step, becomes champion, or is taken back."""

from datetime import datetime

from lifecycle.evidence import Evidence
from lifecycle.outcome import Action, Outcome, StageChange
from lifecycle.plan import TrafficPlan
from lifecycle.rollout_policy import CanaryStep, RolloutPolicy
from lifecycle.stages import Stage
from lifecycle.trial import earned, findings_of, hold, hours_between, lacking, proven_harm, told, what_holds_it_back
from lifecycle.verdict import Finding, Verdict


def decide_canary(plan: TrafficPlan, policy: RolloutPolicy, evidence: Evidence, now: datetime) -> Outcome:
    """Return ADVANCE or PROMOTE when everything is proven, ROLL_BACK or HOLD on harm, HOLD when it takes too long.

    Harm acts in every state of the plan; a held plan advances nothing. A canary that stands beyond the steps of a
    policy that has become shorter is judged by the last of them.
    """
    findings = findings_of(policy, evidence)
    harm = proven_harm(policy, findings)
    if harm is not None and harm.only_holds:
        return hold(plan, evidence, findings, Verdict.FAIL, told(harm.finding))
    if harm is not None:
        back = (StageChange(evidence.version, Stage.ROLLED_BACK),)
        reason = told(harm.finding)
        return Outcome(Action.ROLL_BACK, evidence.version, Verdict.FAIL, reason, findings, plan.end_canary(), back)
    at, since_at = (0, evidence.since_at) if plan.canary is None else (plan.canary.step, plan.canary.since_at)
    step, *following = policy.canary.steps[min(at, len(policy.canary.steps) - 1) :]
    hours = hours_between(since_at, now)
    missing = lacking(policy, findings, evidence, step, hours)
    over_by = hours - policy.canary.longest_hold_hours
    held_back = what_holds_it_back(plan, evidence, findings, missing, over_by)
    if held_back is not None:
        return held_back
    if following:
        return _advance(plan, evidence, findings, following[0], now)
    return _promote(plan, evidence, findings, now)


def _advance(
    plan: TrafficPlan, evidence: Evidence, findings: tuple[Finding, ...], following: CanaryStep, now: datetime
) -> Outcome:
    share = 0.0 if plan.canary is None else plan.canary.share
    if following.share <= share:
        reason = (
            f"canary-steps: the policy's next step is {100 * following.share:g}% of the units, but the canary answers "
            f"for {100 * share:g}% already; resume it under a policy whose steps rise from there, or promote it by hand"
        )
        return hold(plan, evidence, findings, Verdict.INCONCLUSIVE, reason)
    reason = f"{earned(evidence)}; from {100 * share:g}% of the units to {100 * following.share:g}%"
    stages = (StageChange(evidence.version, Stage.CANARY),)
    advanced = plan.advance_canary(following.share, now)
    return Outcome(Action.ADVANCE, evidence.version, Verdict.PASS, reason, findings, advanced, stages)


def _promote(plan: TrafficPlan, evidence: Evidence, findings: tuple[Finding, ...], now: datetime) -> Outcome:
    retired = () if plan.champion is None else (StageChange(plan.champion, Stage.RETIRED),)
    stages = (*retired, StageChange(evidence.version, Stage.CHAMPION))
    reason = f"on the last step, {earned(evidence)}; champion in place of version {plan.champion}, which stays loaded"
    following = plan.promote(evidence.version, now)
    return Outcome(Action.PROMOTE, evidence.version, Verdict.PASS, reason, findings, following, stages)
