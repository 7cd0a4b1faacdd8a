"""What shadow and canary have in common: what is proven, what is reached, and what waits too long."""

from dataclasses import dataclass
from datetime import datetime

from lifecycle.evidence import Evidence
from lifecycle.judge.rule import judge_arm
from lifecycle.outcome import Action, Outcome, StageChange
from lifecycle.plan import TrafficPlan
from lifecycle.rollout_policy import CanaryStep, RolloutPolicy, ShadowPolicy
from lifecycle.stages import Stage
from lifecycle.verdict import Finding, Verdict

STANDS = "stands-and-runs"
"""The rule that every policy has: a version must load and keep running wherever it is wanted."""
SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class Harm:
    """The proven failure that decides: the finding, and whether it takes the version out or only holds it."""

    finding: Finding
    only_holds: bool


def findings_of(policy: RolloutPolicy, evidence: Evidence) -> tuple[Finding, ...]:
    """Return the findings of an arm: whether it stands and runs, then each rule of the policy."""
    standing = Finding(STANDS, Verdict.PASS, None, None, "it stands and runs on every replica")
    if evidence.trouble:
        told = "; ".join(evidence.trouble)
        standing = Finding(STANDS, Verdict.FAIL, len(evidence.trouble), 0, f"{told}; no such trouble is allowed")
    return (standing, *judge_arm(policy, evidence))


def proven_harm(policy: RolloutPolicy, findings: tuple[Finding, ...]) -> Harm | None:
    """Return the failure that decides, None without one: what takes a version out goes before what only holds it."""
    only_hold = {rule.id for rule in policy.rules if rule.then == "hold"}
    failed = [Harm(finding, finding.rule_id in only_hold) for finding in findings if finding.verdict is Verdict.FAIL]
    return min(failed, key=lambda harm: harm.only_holds, default=None)


def told(finding: Finding) -> str:
    """Return a finding as the beginning of a reason: a hold for it is recognised by these words."""
    return f"{finding.rule_id}: {finding.reason}"


def hours_between(since_at: datetime, now: datetime) -> float:
    """Return hours of event time."""
    return (now - since_at).total_seconds() / SECONDS_PER_HOUR


def lacking(
    policy: RolloutPolicy,
    findings: tuple[Finding, ...],
    evidence: Evidence,
    minimum: ShadowPolicy | CanaryStep,
    hours: float,
) -> tuple[str, ...]:
    """Return everything that is still missing before an advance, in words; nothing when it has been earned."""
    veto_only = {rule.id for rule in policy.rules if rule.veto_only}
    reached = (
        ("hours", hours, minimum.minimum_hours),
        ("answers", evidence.answers, minimum.minimum_answers),
        ("labelled answers", evidence.labelled, minimum.minimum_labels),
    )
    short = tuple(
        f"{seen:,.4g} of {needed:,g} {what}" if what == "hours" else f"{seen:,} of {needed:,} {what}"
        for what, seen, needed in reached
        if seen < needed
    )
    unproven = tuple(
        told(finding)
        for finding in findings
        if finding.verdict is not Verdict.PASS and finding.rule_id not in veto_only
    )
    return short + unproven


def wait(evidence: Evidence, findings: tuple[Finding, ...], verdict: Verdict, reason: str) -> Outcome:
    """Return the outcome in which nothing follows."""
    return Outcome(Action.WAIT, evidence.version, verdict, reason, findings)


def hold(
    plan: TrafficPlan, evidence: Evidence, findings: tuple[Finding, ...], verdict: Verdict, reason: str
) -> Outcome:
    """Return the outcome in which nothing advances until a person resumes.

    A plan that is held already stays as it is: for the same rule nothing follows, because that page was sent; for a
    rule that fails now, a person must see it too, so it is an alarm.
    """
    if plan.held is None:
        stages = () if evidence.arm == "champion" else (StageChange(evidence.version, Stage.HELD),)
        return Outcome(Action.HOLD, evidence.version, verdict, reason, findings, plan.hold(reason), stages)
    rule_id = reason.partition(":")[0]
    if verdict is not Verdict.FAIL or plan.held.startswith(f"{rule_id}:"):
        return wait(evidence, findings, verdict, f"the plan is held already ({plan.held}); {reason}")
    return Outcome(Action.ALARM, evidence.version, verdict, reason, findings)


def what_holds_it_back(
    plan: TrafficPlan, evidence: Evidence, findings: tuple[Finding, ...], missing: tuple[str, ...], over_by: float
) -> Outcome | None:
    """Return the outcome while something stands between a version and its next step, None when nothing does.

    `over_by` is how many hours it has waited beyond the longest hold; negative before.
    """
    if missing and over_by > 0:
        reason = f"{evidence.arm}-waits-too-long: {over_by:,.4g} hours beyond longest_hold_hours"
        if evidence.answers == 0:
            reason += f", and it has answered nothing: no {evidence.arm} traffic reached it in all this time"
        else:
            reason += f"; still missing: {'; '.join(missing)}"
        return hold(plan, evidence, findings, Verdict.INCONCLUSIVE, reason)
    if missing:
        return wait(evidence, findings, Verdict.INCONCLUSIVE, f"still missing: {'; '.join(missing)}")
    if plan.held is not None:
        return wait(evidence, findings, Verdict.PASS, f"everything is proven, but the plan is held: {plan.held}")
    return None


def earned(evidence: Evidence) -> str:
    """Return what an advance rests on, in words."""
    return f"every rule that must pass did, over {evidence.answers:,} answers, {evidence.labelled:,} of them labelled"
