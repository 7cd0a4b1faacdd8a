"""Decide what follows for a version in shadow, in canary or as champion, from what was seen of it."""

from datetime import datetime

from lifecycle.errors import InvalidInput
from lifecycle.evidence import Evidence
from lifecycle.judging_canary import decide_canary
from lifecycle.judging_champion import decide_champion
from lifecycle.judging_shadow import decide_shadow
from lifecycle.outcome import Outcome
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy


def decide_rollout(plan: TrafficPlan, policy: Policy, evidence: Evidence, now: datetime) -> Outcome:
    """Return what follows for the arm that the evidence is about; Action.WAIT when nothing does.

    Pure: the same arguments give the same outcome, so a stored decision can be made again. `now` is event time. Raises
    InvalidInput when the evidence is about another version, baseline or plan revision than the plan's arm.
    """
    _require_about(plan, evidence)
    if evidence.arm == "champion":
        return decide_champion(plan, policy.rollout, evidence, now)
    if evidence.arm == "canary":
        return decide_canary(plan, policy.rollout, evidence, now)
    return decide_shadow(plan, policy.rollout, evidence, now)


def _require_about(plan: TrafficPlan, evidence: Evidence) -> None:
    stands: tuple[str | None, int | None]
    if evidence.arm == "champion":
        stands = plan.champion, plan.champion_since_revision
    else:
        arm = plan.canary if evidence.arm == "canary" else plan.shadow
        stands = (None, None) if arm is None else (arm.version, arm.since_revision)
    if stands != (evidence.version, evidence.since_revision):
        raise InvalidInput(
            f"the evidence is about version {evidence.version} as {evidence.arm} since plan revision "
            f"{evidence.since_revision}, but revision {plan.revision} of {plan.model}'s plan has {stands[0]} there "
            f"since {stands[1]}; gather it for the plan that is decided on"
        )
    if evidence.arm != "champion" and evidence.baseline != plan.champion:
        raise InvalidInput(
            f"the evidence compares with version {evidence.baseline}, but the champion of {plan.model} is "
            f"{plan.champion}; gather it for the plan that is decided on"
        )
