"""Tell of alarms: one decision for all that a look opened, a page, and a training where the policy says so."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from sqlalchemy import Engine

from flows.watching.calling import call_of
from lifecycle.alarms import Alarm, AlarmKind, calls_for_somebody
from lifecycle.policy import Policy
from lifecycle.retraining import ABOUT_QUALITY
from lifecycle.training import Cause
from lifecycle.verdict import Decision
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

    All that are new are one call: a storm moves ten features and needs one person. What an earlier run decided and
    could not tell before it was killed is told now; decision, page and training are named by the alarms, so that none
    of them is there twice however often this is begun again. Raises Conflict when another process tells of them.
    """
    alarms = Alarms(engine)
    due = [one for one in alarms.standing(policy.model) if one.concern.kind in kinds and calls_for_somebody(one)]
    fresh = [alarm for alarm in due if alarm.decision_id is None]
    if fresh:
        revision = Plans(engine).current(policy.model).revision
        decision = call_of(fresh, policy, revision, decision_id=_name(fresh), actor=actor, now=now)
        alarms.call(fresh, decision)
    told = [one for one in alarms.standing(policy.model) if one.concern.kind in kinds and calls_for_somebody(one)]
    for decision_id in dict.fromkeys(alarm.decision_id for alarm in told if alarm.decision_id is not None):
        called_for = [alarm for alarm in told if alarm.decision_id == decision_id]
        decision = Decisions(engine).get(decision_id)
        page(decision)
        _ask(called_for, decision, ask_for_training)
        alarms.mark_told(decision_id, now)
        log.info("alarm", model=policy.model, subjects=[alarm.concern.subject for alarm in called_for])
    return tuple(told)


def _ask(alarms: Sequence[Alarm], decision: Decision, ask_for_training: AskForTraining) -> None:
    asking = [alarm for alarm in alarms if alarm.concern.then == "retrain"]
    if asking:
        about_quality = any(alarm.concern.kind in ABOUT_QUALITY for alarm in asking)
        cause = Cause.QUALITY if about_quality else Cause.DRIFT
        ask_for_training(decision.model, str(cause), decision.reason, decision.decision_id)


def _name(alarms: Sequence[Alarm]) -> str:
    said = "/".join(sorted(alarm.alarm_id for alarm in alarms))
    return hashlib.sha256(said.encode()).hexdigest()[:32]
