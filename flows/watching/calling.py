"""The decision that calls people for alarms: what is wrong, in one sentence, with each alarm as a finding."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from lifecycle.alarms import Alarm, AlarmKind
from lifecycle.outcome import Action
from lifecycle.policy import Policy
from lifecycle.verdict import Decision, Finding, Verdict

NAMED = 6
WORDS: Mapping[AlarmKind, str] = {
    AlarmKind.DRIFT: "features that moved",
    AlarmKind.MISSING: "features missing otherwise than before",
    AlarmKind.UNSEEN: "fields with values never seen before",
    AlarmKind.SCORES: "scores that moved",
    AlarmKind.LABELS: "outcomes that moved",
    AlarmKind.STALE: "stale feature views",
    AlarmKind.INTAKE: "streams that do not come in",
    AlarmKind.PARITY: "features served otherwise than stored events say",
    AlarmKind.QUALITY: "rules of quality that fail",
    AlarmKind.ESTIMATE: "rules of quality that fail by estimate",
    AlarmKind.OUTPUTS: "arms whose answers were stopped",
}


def call_of(
    alarms: Sequence[Alarm], policy: Policy, plan_revision: int, *, decision_id: str, actor: str, now: datetime
) -> Decision:
    """Return the decision that calls people for some alarms of one version."""
    return Decision(
        decision_id=decision_id,
        model=policy.model,
        version=alarms[0].version,
        action=Action.ALARM,
        verdict=Verdict.FAIL,
        reason=_reason(alarms),
        findings=tuple(
            Finding(_rule(alarm), Verdict.FAIL, alarm.concern.value, alarm.concern.limit, alarm.concern.reason)
            for alarm in alarms
        ),
        policy_revision=policy.revision(),
        plan_revision=plan_revision,
        actor=actor,
        decided_at=now,
        evidence={"alarms": [_evidence(alarm) for alarm in alarms], "policy": policy.model_dump(mode="json")},
    )


def _reason(alarms: Sequence[Alarm]) -> str:
    follows = "; a version is to be trained anew" if any(one.concern.then == "retrain" for one in alarms) else ""
    if len(alarms) == 1:
        return f"{_rule(alarms[0])}: {alarms[0].concern.reason}{follows}"
    parts = []
    for kind in AlarmKind:
        names = [alarm.concern.subject for alarm in _largest_first(alarms) if alarm.concern.kind is kind]
        if names:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            parts.append(f"{len(names)} {WORDS[kind]} ({', '.join(names[:NAMED])}{more})")
    first = _largest_first(alarms)[0]
    return f"{'; '.join(parts)}; the first of them: {first.concern.reason}{follows}"


def _largest_first(alarms: Sequence[Alarm]) -> list[Alarm]:
    return sorted(alarms, key=lambda alarm: -(alarm.concern.value or 0.0))


def _rule(alarm: Alarm) -> str:
    return f"{alarm.concern.kind}:{alarm.concern.subject}"


def _evidence(alarm: Alarm) -> Mapping[str, object]:
    return {
        "alarm_id": alarm.alarm_id,
        "kind": str(alarm.concern.kind),
        "subject": alarm.concern.subject,
        "then": alarm.concern.then,
        "onset_at": alarm.concern.onset_at.isoformat(),
        "opened_at": alarm.opened_at.isoformat(),
    }
