"""The loop's own figures: how soon it notices, decides and adapts, how often for nothing, and what stands still."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from lifecycle.alarms import Alarm
from lifecycle.look import Look
from lifecycle.retraining import ABOUT_QUALITY, Past, budget_left, due, earliest
from lifecycle.training import Training
from lifecycle.watching_policy import RetrainingPolicy

_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Reign:
    """A version that became champion at a moment."""

    version: str
    since_at: datetime


@dataclass(frozen=True)
class Hold:
    """Why nothing may advance, and since when."""

    reason: str
    since_at: datetime
    hours: float


@dataclass(frozen=True)
class Record:
    """What the ledger holds of a model's loop. Every moment is event time, the clock that the flows ask.

    `alarms` are all there ever were, `reigns` oldest first. `held` is the plan's hold with the moment it began.
    """

    alarms: Sequence[Alarm]
    past: Past
    reigns: Sequence[Reign]
    held: tuple[str, datetime] | None
    look: Look | None


@dataclass(frozen=True)
class Times:
    """Hours from one thing to another, over `count` alarms; both are None where there was none."""

    count: int
    median_hours: float | None
    last_hours: float | None


@dataclass(frozen=True)
class LoopFigures:
    """One model's loop up to `now_at`. Every moment, and the time between any two, is event time.

    `detect` is from an alarm's onset to its opening; `decide` from there to the first training that was asked for
    because of it, or to a person's dismissal; `adapt` from its opening until a version trained because of it became
    champion. Notes are no alarms and count nowhere.

    False are the alarms that a person `dismissed`, and those that `came_to_nothing`: closed by a look, while from
    opening to closing no training was asked for, the champion stayed, and no other alarm was about quality. A move
    that was real and passed by itself is among the latter, so that both together are an upper bound.

    `look_hours` is how long ago the last look's window ended. `earliest_at` is from when on an alarm can lead to a
    training, `due_at` when the schedule asks for one.
    """

    model: str
    now_at: datetime
    alarms: int
    standing: int
    dismissed: int
    came_to_nothing: int
    detect: Times
    decide: Times
    adapt: Times
    hold: Hold | None
    look: Look | None
    look_hours: float | None
    training: Training | None
    trained_at: datetime | None
    trainings_left: int
    earliest_at: datetime
    due_at: datetime


def loop_figures(model: str, policy: RetrainingPolicy, record: Record, now: datetime) -> LoopFigures:
    """Return the figures of a model's loop."""
    alarms = [alarm for alarm in record.alarms if alarm.concern.then != "note"]
    past, look = record.past, record.look
    dismissed = [alarm for alarm in alarms if alarm.closed_by not in (None, "look", "plan")]
    return LoopFigures(
        model=model,
        now_at=now,
        alarms=len(alarms),
        standing=sum(alarm.closed_at is None for alarm in alarms),
        dismissed=len(dismissed),
        came_to_nothing=sum(_came_to_nothing(alarm, alarms, record) for alarm in alarms),
        detect=_times(alarms, [alarm.concern.onset_at for alarm in alarms], [alarm.opened_at for alarm in alarms]),
        decide=_times(alarms, _opened(alarms), [_decided_at(alarm, past) for alarm in alarms]),
        adapt=_times(alarms, _opened(alarms), [_adapted_at(alarm, record) for alarm in alarms]),
        hold=None if record.held is None else Hold(*record.held, (now - record.held[1]) / _HOUR),
        look=look,
        look_hours=None if look is None else (now - look.until_at) / _HOUR,
        training=max(past.trainings, key=lambda one: one.asked_at, default=None),
        trained_at=past.last_at(),
        trainings_left=budget_left(policy, past, now),
        earliest_at=earliest(policy, past, now),
        due_at=due(policy, past, now),
    )


def _opened(alarms: Sequence[Alarm]) -> list[datetime]:
    return [alarm.opened_at for alarm in alarms]


def _times(alarms: Sequence[Alarm], begun: Sequence[datetime], ended: Sequence[datetime | None]) -> Times:
    """Return the times of the alarms for which both moments are known; the last is that of the newest alarm."""
    known = [
        (alarm.opened_at, (end - begin) / _HOUR)
        for alarm, begin, end in zip(alarms, begun, ended, strict=True)
        if end is not None
    ]
    if not known:
        return Times(0, None, None)
    return Times(len(known), median(hours for _, hours in known), max(known)[1])


def _decided_at(alarm: Alarm, past: Past) -> datetime | None:
    asked = [one.asked_at for one in past.trainings if alarm.alarm_id in one.alarms]
    if alarm.closed_at is not None and alarm.closed_by not in ("look", "plan"):
        asked.append(alarm.closed_at)
    return min(asked, default=None)


def _adapted_at(alarm: Alarm, record: Record) -> datetime | None:
    trained = {one.version for one in record.past.trainings if alarm.alarm_id in one.alarms}
    return next(
        (reign.since_at for reign in record.reigns if reign.version in trained and reign.since_at >= alarm.opened_at),
        None,
    )


def _came_to_nothing(alarm: Alarm, alarms: Sequence[Alarm], record: Record) -> bool:
    closed_at = alarm.closed_at
    if closed_at is None or alarm.closed_by != "look":
        return False

    def meanwhile(at: datetime) -> bool:
        return alarm.opened_at <= at <= closed_at

    trained = any(meanwhile(one.asked_at) for one in record.past.trainings)
    replaced = any(meanwhile(reign.since_at) for reign in record.reigns)
    harmed = any(
        other.concern.kind in ABOUT_QUALITY
        and other.alarm_id != alarm.alarm_id
        and other.opened_at <= closed_at
        and (other.closed_at is None or other.closed_at >= alarm.opened_at)
        for other in alarms
    )
    return not (trained or replaced or harmed)
