"""Tell of alarms: a decision for each that calls for somebody, a page, and a training where the policy says so."""

from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from lifecycle.alarms import Alarm, AlarmKind
from lifecycle.outcome import Action
from lifecycle.policy import Policy
from lifecycle.verdict import Decision, Finding, Verdict
from stores.ledger.alarms import Alarms
from stores.ledger.decisions import Decisions
from stores.ledger.plans import Plans

ACTOR = "flow:watch"
AskForTraining = Callable[[str, str, str, str], None]
"""From model, cause, reason and the key that makes asking twice one."""

log = structlog.get_logger()


def tell_of_alarms(
    engine: Engine,
    policy: Policy,
    now: datetime,
    page: Callable[[Decision], None],
    ask_for_training: AskForTraining,
    *,
    kinds: frozenset[AlarmKind] = frozenset(AlarmKind),
    actor: str = ACTOR,
) -> tuple[Alarm, ...]:
    """Tell of every standing alarm of some kinds that calls for somebody and was not told of yet; return them.

    What an earlier run opened and could not tell before it was killed is told now. Decision, page and training are
    named by the alarm, so that none of them is there twice however often this is begun again.
    """
    alarms = Alarms(engine)
    plan = Plans(engine).current(policy.model)
    standing = [alarm for alarm in alarms.standing(policy.model) if alarm.concern.kind in kinds]
    due = [alarm for alarm in standing if not alarm.told and alarm.concern.then != "note"]
    for alarm in due:
        decision = _decision(alarm, policy, plan.revision, now, actor)
        _record_once(engine, decision)
        page(decision)
        if alarm.concern.then == "retrain":
            ask_for_training(policy.model, cause_of(alarm.concern.kind), alarm.concern.reason, alarm.alarm_id)
        alarms.mark_told(alarm, decision.decision_id)
        log.info("alarm", model=alarm.model, kind=str(alarm.concern.kind), subject=alarm.concern.subject)
    return tuple(due)


def cause_of(kind: AlarmKind) -> str:
    """Return the cause of a training that an alarm calls for, in the words of lifecycle/retraining.py."""
    return "quality" if kind in (AlarmKind.QUALITY, AlarmKind.ESTIMATE) else "drift"


def _decision(alarm: Alarm, policy: Policy, plan_revision: int, now: datetime, actor: str) -> Decision:
    concern = alarm.concern
    rule = f"{concern.kind}:{concern.subject}"
    follows = "; a version is to be trained anew" if concern.then == "retrain" else ""
    return Decision(
        decision_id=alarm.alarm_id,
        model=alarm.model,
        version=alarm.version,
        action=Action.ALARM,
        verdict=Verdict.FAIL,
        reason=f"{rule}: {concern.reason}{follows}",
        findings=(Finding(rule, Verdict.FAIL, concern.value, concern.limit, concern.reason),),
        policy_revision=policy.revision(),
        plan_revision=plan_revision,
        actor=actor,
        decided_at=now,
        evidence={
            "alarm": {
                "kind": str(concern.kind),
                "subject": concern.subject,
                "then": concern.then,
                "onset_at": concern.onset_at.isoformat(),
                "opened_at": alarm.opened_at.isoformat(),
            },
            "policy": policy.model_dump(mode="json"),
        },
    )


def _record_once(engine: Engine, decision: Decision) -> None:
    decisions = Decisions(engine)
    if decisions.known(decision.decision_id):
        return
    try:
        decisions.record(decision)
    except IntegrityError:
        # Another run told of it at the same moment.
        log.info("told_by_another", decision=decision.decision_id)
