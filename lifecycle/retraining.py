"""Decide whether a model is trained anew: by schedule, drift, quality, enough new labels, or a person's word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lifecycle.alarms import Alarm, AlarmKind
from lifecycle.stages import Stage
from lifecycle.training import OPEN, Cause, Training, TrainingState
from lifecycle.watching_policy import RetrainingPolicy

ABOUT_QUALITY = frozenset({AlarmKind.QUALITY, AlarmKind.ESTIMATE})
ON_TRIAL = frozenset({Stage.REGISTERED, Stage.SHADOW, Stage.CANARY, Stage.HELD})
_BEGUN = frozenset({TrainingState.STARTED, TrainingState.ENDED, TrainingState.FAILED})
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Retrain:
    """Train now; `alarms` are the ids of those that the training answers."""

    cause: Cause
    reason: str
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotNow:
    """Do not train; the reason carries what asked for it, the number, and the limit in its way."""

    reason: str


@dataclass(frozen=True)
class Past:
    """What a decision knows of earlier trainings; all times are event time.

    `trainings` are the ledger's, in any order. `trained_at` is when a version of our own was last judged, whoever asked
    for its training, or, where none ever was, since when the champion serves; None when there is neither. `stages` is
    where each version stands.
    """

    trainings: Sequence[Training] = ()
    trained_at: datetime | None = None
    stages: Mapping[str, Stage] | None = None

    def last_at(self) -> datetime | None:
        """Return when was last trained, whatever came of it; None when never."""
        begun = [one.begun_at for one in self.trainings if one.state in _BEGUN]
        known = begun if self.trained_at is None else [*begun, self.trained_at]
        return max(known, default=None)


def decide_retraining(
    policy: RetrainingPolicy,
    alarms: Sequence[Alarm],
    past: Past,
    new_labels: int,
    now: datetime,
    *,
    asked: str | None = None,
) -> Retrain | NotNow:
    """Return whether to train now, and why.

    `alarms` are those that stand; only those whose consequence is "retrain" count. `new_labels` became known since
    the last training. `asked` is a person's reason, and no limit holds for a person. For every other cause:

    - the last training, also a failed one or a person's, is at least `cool_down_days` ago;
    - fewer than `at_most` trainings that no person asked for began in the last `in_days`;
    - none is under way, and no version trained for the same cause is on trial or waits for shadow.

    Of several causes the most telling is given: quality, drift, labels, schedule.
    """
    if asked is not None:
        return Retrain(Cause.PERSON, asked)
    causes = _causes(policy, alarms, past, new_labels, now)
    if not causes:
        return NotNow(_nothing_asks(policy, past, new_labels, now))
    hindrance = _hindrance(policy, past, now)
    if hindrance is not None:
        return NotNow(f"{causes[0].reason}, but {hindrance}")
    waiting = [(one, _on_trial(one.cause, past)) for one in causes]
    for one, version in waiting:
        if version is None:
            return one
    first, version = waiting[0]
    return NotNow(f"{first.reason}, but version {version}, trained because of {first.cause}, is still on trial")


def earliest(policy: RetrainingPolicy, past: Past, now: datetime) -> datetime:
    """Return from when on an alarm would be answered by a training: after cool-down, and within the budget."""
    last = past.last_at()
    after = now if last is None else max(now, last + timedelta(days=policy.cool_down_days))
    return max(after, budget_free_at(policy, past, now))


def due(policy: RetrainingPolicy, past: Past, now: datetime) -> datetime:
    """Return when the schedule asks for the next training and is heard."""
    last = past.last_at()
    scheduled = now if last is None else last + timedelta(days=policy.every_days)
    return max(scheduled, earliest(policy, past, now))


def budget_left(policy: RetrainingPolicy, past: Past, now: datetime) -> int:
    """Return how many trainings may still begin now, counted over the last `in_days`."""
    return max(0, policy.at_most - len(_counted(policy, past, now)))


def budget_free_at(policy: RetrainingPolicy, past: Past, now: datetime) -> datetime:
    """Return when the budget next allows a training: now while any is left."""
    counted = _counted(policy, past, now)
    if len(counted) < policy.at_most:
        return now
    # The newest `at_most` fill it: it has room again when the oldest of those leaves the span.
    return counted[-policy.at_most] + timedelta(days=policy.in_days)


def _causes(
    policy: RetrainingPolicy, alarms: Sequence[Alarm], past: Past, new_labels: int, now: datetime
) -> tuple[Retrain, ...]:
    asking = [alarm for alarm in alarms if alarm.closed_at is None and alarm.concern.then == "retrain"]
    by_cause = {
        Cause.QUALITY: [alarm for alarm in asking if alarm.concern.kind in ABOUT_QUALITY],
        Cause.DRIFT: [alarm for alarm in asking if alarm.concern.kind not in ABOUT_QUALITY],
    }
    found = [_answer(cause, told) for cause, told in by_cause.items() if told]
    last = past.last_at()
    if new_labels >= policy.new_labels:
        since = "" if last is None else f" since {last:%Y-%m-%d %H:%M}"
        found.append(Retrain(Cause.LABELS, f"{new_labels} new labels{since}; new_labels is {policy.new_labels}"))
    if last is None:
        found.append(Retrain(Cause.SCHEDULE, "no version was ever trained"))
    elif now - last >= timedelta(days=policy.every_days):
        told = f"the last training was {_days(now - last)} days ago; every_days is {policy.every_days:g}"
        found.append(Retrain(Cause.SCHEDULE, told))
    return tuple(found)


def _answer(cause: Cause, alarms: Sequence[Alarm]) -> Retrain:
    oldest = min(alarms, key=lambda alarm: (alarm.opened_at, alarm.alarm_id))
    more = f", and {len(alarms) - 1} more of its kind" if len(alarms) > 1 else ""
    reason = f"{oldest.concern.kind} of {oldest.concern.subject}: {oldest.concern.reason.rstrip('.')}{more}"
    return Retrain(cause, reason, tuple(alarm.alarm_id for alarm in alarms))


def _hindrance(policy: RetrainingPolicy, past: Past, now: datetime) -> str | None:
    under_way = [one for one in past.trainings if one.state in OPEN]
    if under_way:
        return f"training {under_way[0].training_id}, asked for because of {under_way[0].cause}, is still to end"
    last = past.last_at()
    if last is not None and now - last < timedelta(days=policy.cool_down_days):
        return f"the last training was {_days(now - last)} days ago; cool_down_days is {policy.cool_down_days:g}"
    counted = _counted(policy, past, now)
    if len(counted) >= policy.at_most:
        return (
            f"{len(counted)} trainings began in the last {policy.in_days:g} days; at_most is {policy.at_most}, and "
            f"there is room again on {budget_free_at(policy, past, now):%Y-%m-%d}"
        )
    return None


def _counted(policy: RetrainingPolicy, past: Past, now: datetime) -> list[datetime]:
    begun = (one for one in past.trainings if one.state in _BEGUN and one.cause is not Cause.PERSON)
    return sorted(one.begun_at for one in begun if one.begun_at > now - timedelta(days=policy.in_days))


def _on_trial(cause: Cause, past: Past) -> str | None:
    stages = past.stages or {}
    for one in past.trainings:
        if one.cause is cause and one.version is not None and stages.get(one.version) in ON_TRIAL:
            return one.version
    return None


def _nothing_asks(policy: RetrainingPolicy, past: Past, new_labels: int, now: datetime) -> str:
    last = past.last_at()
    # Without any training the schedule asks.
    age = "" if last is None else f", the last training was {_days(now - last)} days ago ({policy.every_days:g} needed)"
    return f"no alarm asks for it, {new_labels} labels are new ({policy.new_labels} needed){age}"


def _days(span: timedelta) -> str:
    return f"{span / _DAY:.1f}"
