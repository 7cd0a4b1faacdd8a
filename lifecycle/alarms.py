"""Alarms: what is wrong with the world or a version, from the look that found it to the one that no longer does."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from lifecycle.watching_policy import Follows


class AlarmKind(StrEnum):
    """What an alarm is about; its subject says which one."""

    DRIFT = "drift"
    """The values of a feature have moved."""
    MISSING = "missing"
    """A feature is missing much more, or less, often."""
    UNSEEN = "unseen"
    """A field holds values that the version never learned from."""
    SCORES = "scores"
    """The version's scores have moved."""
    LABELS = "labels"
    """Outcomes have become more, or less, frequent."""
    STALE = "stale"
    """A feature view is older than it may be."""
    INTAKE = "intake"
    """A stream of events is refused or stays away."""
    PARITY = "parity"
    """A feature was served otherwise than stored events say."""
    QUALITY = "quality"
    """A rule about quality fails on known outcomes."""
    ESTIMATE = "estimate"
    """Without outcomes, the scores themselves say that quality has fallen."""
    OUTPUTS = "outputs"
    """The answers themselves were stopped by the breaker."""


Matter = tuple[AlarmKind, str]
"""What an alarm can be of: its kind and subject."""


@dataclass(frozen=True)
class Concern:
    """One thing that a look found wrong: which, by which numbers, since when in event time, and what follows.

    The move of a feature alone may be a note; it becomes more once scores, outcomes or quality have moved as well.
    """

    kind: AlarmKind
    subject: str
    then: Follows
    value: float | None
    limit: float | None
    reason: str
    onset_at: datetime


@dataclass(frozen=True)
class Alarm:
    """A concern about a version from its first look to its last.

    `decision_id` names the decision that calls people for it, None while there is none; `told` says that they were
    called. `closed_at` is None while it stands; then `closed_by` is "look", when a later
    look no longer found it, "plan", when its version no longer serves, or a person, who dismissed it as false.
    """

    alarm_id: str
    model: str
    version: str
    concern: Concern
    opened_at: datetime
    last_seen_at: datetime
    decision_id: str | None = None
    told: bool = False
    closed_at: datetime | None = None
    closed_by: str | None = None
    closed_because: str | None = None


def calls_for_somebody(alarm: Alarm) -> bool:
    """Return whether an alarm stands that nobody was called for and that is more than a note."""
    return alarm.closed_at is None and not alarm.told and alarm.concern.then != "note"


@dataclass(frozen=True)
class Settled:
    """What follows from a look for the alarms that stand: which open, which are seen again, which close."""

    opened: tuple[Alarm, ...]
    seen: tuple[Alarm, ...]
    closed: tuple[Alarm, ...]


def alarm_id(model: str, version: str, kind: AlarmKind, subject: str, onset: int) -> str:
    """Return the name of the alarm that is opened after `onset` earlier ones of its kind and subject.

    Two who open the same one give it the same name, so that it is stored once.
    """
    said = "/".join((model, version, kind, subject, str(onset)))
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def settle(
    known: Sequence[Alarm],
    model: str,
    version: str,
    *,
    judged: frozenset[AlarmKind],
    undecided: frozenset[Matter] = frozenset(),
    concerns: Sequence[Concern],
    now: datetime,
) -> Settled:
    """Return what a look does to a model's alarms; `known` are all of them, also the closed ones.

    Of the kinds that the look `judged`, an alarm whose concern it no longer finds is closed, but for what it left
    `undecided`: not to know is no reason to call the same people again later. Alarms of other versions are closed as
    well: what serves now has its own.
    """
    found = {(concern.kind, concern.subject): concern for concern in concerns}
    standing = {_key(alarm): alarm for alarm in known if alarm.closed_at is None and alarm.version == version}
    earlier = _counted(known, version)
    opened = tuple(
        Alarm(
            alarm_id(model, version, kind, subject, earlier.get((kind, subject), 0)),
            model,
            version,
            found_now,
            now,
            now,
        )
        for (kind, subject), found_now in found.items()
        if (kind, subject) not in standing
    )
    seen = tuple(_seen(alarm, found[key], now) for key, alarm in standing.items() if key in found)
    gone = tuple(
        _closed(alarm, now, "look", "a later look no longer finds it")
        for key, alarm in standing.items()
        if key not in found and key not in undecided and alarm.concern.kind in judged
    )
    passed = tuple(
        _closed(alarm, now, "plan", f"version {version} is champion now")
        for alarm in known
        if alarm.closed_at is None and alarm.version != version
    )
    return Settled(opened, seen, gone + passed)


def _key(alarm: Alarm) -> Matter:
    return alarm.concern.kind, alarm.concern.subject


def _counted(known: Sequence[Alarm], version: str) -> Mapping[tuple[AlarmKind, str], int]:
    counts: dict[tuple[AlarmKind, str], int] = {}
    for alarm in known:
        if alarm.version == version:
            counts[_key(alarm)] = counts.get(_key(alarm), 0) + 1
    return counts


def _seen(alarm: Alarm, concern: Concern, now: datetime) -> Alarm:
    # Its onset stays; what it says is what was found last.
    return replace(alarm, concern=replace(concern, onset_at=alarm.concern.onset_at), last_seen_at=now)


def _closed(alarm: Alarm, now: datetime, by: str, because: str) -> Alarm:
    return replace(alarm, closed_at=now, closed_by=by, closed_because=because)
