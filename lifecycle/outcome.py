"""What follows from judging an arm: the action, the next plan, and who moves to which stage."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lifecycle.plan import TrafficPlan
from lifecycle.stages import Stage
from lifecycle.verdict import Decision, Finding, Verdict


class Action(StrEnum):
    """What a decision does; the right-hand side is the ledger's."""

    WAIT = "wait"
    """Nothing yet; never recorded."""
    ADMIT = "admit"
    """A registered version passed its checks, and may enter shadow."""
    REJECT = "reject"
    START_SHADOW = "start_shadow"
    START_CANARY = "start_canary"
    ADVANCE = "advance"
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    HOLD = "hold"
    """Nothing advances until a person resumes: a page."""
    RESUME = "resume"
    PIN = "pin"
    ALARM = "alarm"
    """Something a person must see, with nothing changed by it: a page."""


PAGES = frozenset({Action.HOLD, Action.ALARM})


@dataclass(frozen=True)
class StageChange:
    """A version that moves to a stage."""

    version: str
    stage: Stage


@dataclass(frozen=True)
class Outcome:
    """A judgement: `plan` is the next revision, None when the plan stays; `stages` who moves with it."""

    action: Action
    version: str
    verdict: Verdict
    reason: str
    findings: tuple[Finding, ...]
    plan: TrafficPlan | None = None
    stages: tuple[StageChange, ...] = ()


def decision_of(
    outcome: Outcome,
    plan: TrafficPlan,
    *,
    decision_id: str,
    policy_revision: str,
    actor: str,
    decided_at: datetime,
    evidence: Mapping[str, object],
) -> Decision:
    """Return an outcome as the decision to store, made from a plan's revision by an actor."""
    return Decision(
        decision_id=decision_id,
        model=plan.model,
        version=outcome.version,
        action=outcome.action,
        verdict=outcome.verdict,
        reason=outcome.reason,
        findings=outcome.findings,
        policy_revision=policy_revision,
        plan_revision=plan.revision,
        actor=actor,
        decided_at=decided_at,
        evidence=evidence,
    )
