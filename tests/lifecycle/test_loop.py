"""The loop's own figures, from what a ledger may hold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lifecycle.alarms import Alarm, AlarmKind, Concern
from lifecycle.look import Look
from lifecycle.loop import LoopFigures, Record, Reign, Times, loop_figures
from lifecycle.retraining import Past
from lifecycle.training import Cause, Training, TrainingState
from lifecycle.verdict import Verdict
from lifecycle.watching_policy import Follows, RetrainingPolicy

T0 = datetime(2013, 7, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOW = T0 + 1000 * HOUR
POLICY = RetrainingPolicy(
    every_days=90, new_labels=1000, cool_down_days=21, at_most=2, in_days=240, person_weight=3, captured_weight=2
)


def alarm(name: str, opened: float, closed: float | None = None, by: str = "look", **about: object) -> Alarm:
    """Return an alarm that opened some hours after T0, an hour and a half after its onset."""
    kind, then = about.get("kind", AlarmKind.DRIFT), about.get("then", "retrain")
    assert isinstance(kind, AlarmKind)
    follows: Follows = "note" if then == "note" else "retrain"
    at = T0 + opened * HOUR
    known = Alarm(name, "m", "1", Concern(kind, name, follows, 0.4, 0.1, "moved", at - 1.5 * HOUR), at, at)
    if closed is None:
        return known
    return replace(known, closed_at=T0 + closed * HOUR, closed_by=by, closed_because="over")


def training(asked: float, alarms: tuple[str, ...] = (), version: str | None = None) -> Training:
    """Return a training that was asked for some hours after T0."""
    at = T0 + asked * HOUR
    return Training(f"t{asked}", "m", Cause.DRIFT, "", at, alarms, TrainingState.ENDED, 1, version, "admit", at, at)


def figures(
    *alarms: Alarm, trainings: tuple[Training, ...] = (), reigns: tuple[Reign, ...] = (), **more: object
) -> LoopFigures:
    """Return the figures of a model with these alarms and trainings."""
    record = Record(alarms, Past(trainings), reigns, None, None)
    return loop_figures("m", POLICY, replace(record, **more), NOW)  # type: ignore[arg-type]


def test_a_loop_in_which_nothing_happened_has_no_figures() -> None:
    """No case is told as none, never as 0 hours."""
    found = figures()
    none = Times(0, None, None)
    assert (found.alarms, found.detect, found.decide, found.adapt) == (0, none, none, none)
    assert (found.hold, found.look, found.look_hours, found.training) == (None, None, None, None)
    assert (found.trainings_left, found.earliest_at, found.due_at) == (2, NOW, NOW)


def test_times_run_from_onset_to_alarm_to_training_to_champion() -> None:
    """Each is the alarm's own, and the last is that of the alarm opened last."""
    found = figures(
        alarm("a", 10, 100, "plan"),
        alarm("b", 20, 100, "plan"),
        alarm("c", 200),
        trainings=(training(14, ("a", "b"), "2"), training(230, ("c",), "3")),
        reigns=(Reign("1", T0), Reign("2", T0 + 100 * HOUR)),
    )
    assert found.detect == Times(3, 1.5, 1.5)
    assert found.decide == Times(3, 4.0, 30.0)
    assert found.adapt == Times(2, 85.0, 80.0)
    assert (found.alarms, found.standing) == (3, 1)
    assert found.training == training(230, ("c",), "3")


def test_a_version_that_was_champion_before_the_alarm_did_not_come_of_it() -> None:
    """Rolled back to, it counts only from then."""
    reigns = (Reign("2", T0), Reign("1", T0 + 5 * HOUR), Reign("2", T0 + 50 * HOUR))
    found = figures(alarm("a", 10), trainings=(training(12, ("a",), "2"),), reigns=reigns)
    assert found.adapt == Times(1, 40.0, 40.0)


def test_a_dismissal_is_a_decision_and_a_false_alarm() -> None:
    """A person looked, and said that it was nothing."""
    found = figures(alarm("a", 10, 13, "person:ann"))
    assert (found.dismissed, found.came_to_nothing) == (1, 0)
    assert found.decide == Times(1, 3.0, 3.0)


@pytest.mark.parametrize(
    ("beside", "nothing"),
    [
        ({}, 1),
        ({"trainings": (training(15),)}, 0),
        ({"trainings": (training(25),)}, 1),
        ({"reigns": (Reign("2", T0 + 15 * HOUR),)}, 0),
        ({"reigns": (Reign("2", T0),)}, 1),
    ],
    ids=["nothing-happened", "trained-meanwhile", "trained-later", "replaced-meanwhile", "replaced-before"],
)
def test_an_alarm_closed_by_a_look_is_false_when_nothing_happened_meanwhile(
    beside: dict[str, object], nothing: int
) -> None:
    """Whatever answered it, or may have, makes it no false alarm."""
    assert figures(alarm("a", 10, 20), **beside).came_to_nothing == nothing  # type: ignore[arg-type]


def test_drift_beside_harm_to_quality_was_no_false_alarm() -> None:
    """The other alarm is what it warned of; alone, harm that went away by itself counts."""
    harm = alarm("harm", 15, 18, kind=AlarmKind.QUALITY)
    assert figures(alarm("a", 10, 20), replace(harm, closed_by="plan")).came_to_nothing == 0
    assert figures(alarm("a", 10, 14), harm).came_to_nothing == 2


def test_alarms_that_stand_or_ended_with_the_plan_are_not_false() -> None:
    """The first may still come to something, the second did."""
    assert figures(alarm("a", 10), alarm("b", 10, 20, "plan")).came_to_nothing == 0


def test_notes_count_nowhere() -> None:
    """The move of a feature alone calls nobody."""
    found = figures(alarm("a", 10, 20, then="note"))
    assert (found.alarms, found.came_to_nothing, found.detect.count) == (0, 0, 0)


def test_a_hold_and_a_look_have_their_age_in_event_time() -> None:
    """When a machine looked says nothing about the events it saw."""
    look = Look("l", "m", "1", T0, NOW - 3 * HOUR, 100, Verdict.PASS, "nothing moved", (), "p", 0.1, datetime.now(UTC))
    found = figures(held=("wait", NOW - 30 * HOUR), look=look)
    assert found.hold is not None
    assert (found.hold.reason, found.hold.hours, found.look_hours) == ("wait", 30.0, 3.0)
