"""Whether the version that serves must give way to the one before it."""

from datetime import datetime

from lifecycle.evidence import Evidence
from lifecycle.outcome import Action, Outcome, StageChange
from lifecycle.plan import TrafficPlan
from lifecycle.rollout_policy import RolloutPolicy
from lifecycle.stages import Stage
from lifecycle.trial import findings_of, hold, proven_harm, told, wait
from lifecycle.verdict import Finding, Verdict, worst


def decide_champion(plan: TrafficPlan, policy: RolloutPolicy, evidence: Evidence, now: datetime) -> Outcome:
    """Return ROLL_BACK to the previous champion on proof of harm, HOLD where there is none, ALARM while pinned.

    It also acts on a held plan: a hold stops what advances, not what protects users.
    """
    findings = findings_of(policy, evidence)
    harm = proven_harm(policy, findings)
    if harm is None:
        return wait(evidence, findings, worst(findings), "nothing that its rules limit is proven of the champion")
    reason = told(harm.finding)
    if plan.pinned:
        pinned = f"{reason}; the champion is pinned, so a person must act ({plan.held})"
        return Outcome(Action.ALARM, evidence.version, Verdict.FAIL, pinned, findings)
    if harm.only_holds:
        return hold(plan, evidence, findings, Verdict.FAIL, reason)
    if plan.previous is None:
        stuck = f"{reason}; there is no previous champion to go back to, so a person must promote one that should stand"
        return hold(plan, evidence, findings, Verdict.FAIL, stuck)
    return _roll_back(plan, evidence, findings, reason, now)


def _roll_back(
    plan: TrafficPlan, evidence: Evidence, findings: tuple[Finding, ...], reason: str, now: datetime
) -> Outcome:
    following = plan.roll_back(now)
    stages = (
        StageChange(evidence.version, Stage.ROLLED_BACK),
        StageChange(str(following.champion), Stage.CHAMPION),
    )
    told_all = f"{reason}; version {following.champion} answers again"
    return Outcome(Action.ROLL_BACK, evidence.version, Verdict.FAIL, told_all, findings, following, stages)
