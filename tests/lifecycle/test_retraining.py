"""When a version is trained anew: every cause, against cool-down, budget and what is under way."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.alarms import Alarm, AlarmKind, Concern
from lifecycle.retraining import NotNow, Past, Retrain, budget_left, decide_retraining, due, earliest
from lifecycle.stages import Stage
from lifecycle.training import Cause, Training, TrainingState, training_id
from lifecycle.watching_policy import Consequence, RetrainingPolicy

NOW = datetime(2013, 7, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = RetrainingPolicy(
    every_days=90, new_labels=1000, cool_down_days=21, at_most=2, in_days=240, person_weight=3, captured_weight=2
)
RESTED = Past(trained_at=NOW - 30 * DAY)


def alarm(kind: AlarmKind = AlarmKind.DRIFT, subject: str = "temperature_f", then: Consequence = "retrain") -> Alarm:
    """Return an alarm that stands since yesterday."""
    told = f"{subject}'s PSI is 0.31, above 0.1"
    return Alarm(f"{kind}-{subject}", "m", "1", Concern(kind, subject, then, 0.31, 0.1, told, NOW), NOW - DAY, NOW)


def training(
    days_ago: float, cause: Cause = Cause.DRIFT, state: TrainingState = TrainingState.ENDED, version: str = "2"
) -> Training:
    """Return a training of some days ago."""
    at = NOW - days_ago * DAY
    return Training(training_id("m", str(at)), "m", cause, "why", at, state=state, version=version, started_at=at)


CAUSES: dict[str, tuple[dict[str, object], Cause]] = {
    "quality": ({"alarms": [alarm(AlarmKind.QUALITY, "log-loss")]}, Cause.QUALITY),
    "estimate": ({"alarms": [alarm(AlarmKind.ESTIMATE, "log-loss")]}, Cause.QUALITY),
    "drift": ({"alarms": [alarm()]}, Cause.DRIFT),
    "labels": ({"new_labels": 1000}, Cause.LABELS),
    "schedule": ({"last_days": 90.0}, Cause.SCHEDULE),
    "person": ({"asked": "I know"}, Cause.PERSON),
}
LIMITS = ("free", "cool-down", "budget", "under-way", "same-cause-on-trial")


def decide(
    *,
    alarms: list[Alarm] | None = None,
    new_labels: int = 0,
    last_days: float = 30.0,
    asked: str | None = None,
    trainings: tuple[Training, ...] = (),
    stages: dict[str, Stage] | None = None,
) -> Retrain | NotNow:
    """Decide on a model whose last training was some days ago."""
    past = Past(trainings, NOW - last_days * DAY, stages)
    return decide_retraining(POLICY, alarms or [], past, new_labels, NOW, asked=asked)


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("name", CAUSES)
def test_every_cause_against_every_limit(name: str, limit: str) -> None:
    """A cause that nothing stands in the way of trains; a limit holds for all but a person, and says its number."""
    facts, cause = CAUSES[name]
    past: dict[str, tuple[dict[str, object], str]] = {
        "free": ({}, ""),
        "cool-down": ({"trainings": (training(3.2, Cause.PERSON),)}, "but the last training was 3.2 days ago; cool"),
        "budget": (
            {"trainings": (training(100), training(200))},
            "2 trainings began in the last 240 days; at_most is 2, and there is room again on 2013-08-10",
        ),
        "under-way": ({"trainings": (training(95, state=TrainingState.ASKED),)}, "is still to end"),
        "same-cause-on-trial": (
            {"trainings": (training(95, cause),), "stages": {"2": Stage.CANARY}},
            f"but version 2, trained because of {cause}, is still on trial",
        ),
    }
    more, words = past[limit]
    if limit == "cool-down" and name == "schedule":
        words = "days ago"
    decision = decide(**{**facts, **more})  # type: ignore[arg-type]
    if limit == "free" or name == "person":
        assert isinstance(decision, Retrain)
        assert decision.cause is cause
    else:
        assert isinstance(decision, NotNow)
        assert words in decision.reason


def test_reason_against_training_carries_what_asked_and_what_stands_in_the_way() -> None:
    """A person reads which number met which limit."""
    decision = decide(alarms=[alarm()], trainings=(training(3.2),))
    assert decision == NotNow(
        "drift of temperature_f: temperature_f's PSI is 0.31, above 0.1, but the last training was 3.2 days ago; "
        "cool_down_days is 21"
    )


def test_nothing_that_asks_is_told_with_the_numbers() -> None:
    """Also that nothing is due is a decision, and can be checked."""
    told = "no alarm asks for it, 7 labels are new (1000 needed), the last training was 30.0 days ago (90 needed)"
    assert decide(new_labels=7) == NotNow(told)


@pytest.mark.parametrize("state", [TrainingState.FAILED, TrainingState.ENDED])
def test_a_training_that_failed_counts_for_the_cool_down(state: TrainingState) -> None:
    """What fails would fail again, and again."""
    assert isinstance(decide(alarms=[alarm()], trainings=(training(5, state=state),)), NotNow)


def test_a_training_held_for_lack_of_data_counts_for_nothing() -> None:
    """Nothing was trained, so nothing is in the way."""
    held = training(5, state=TrainingState.HELD)
    assert isinstance(decide(alarms=[alarm()], trainings=(held,)), Retrain)


def test_only_alarms_that_ask_for_it_retrain() -> None:
    """What only calls a person, and what is closed, asks for nothing."""
    closed = Alarm("a", "m", "1", alarm().concern, NOW, NOW, closed_at=NOW, closed_by="look")
    assert isinstance(decide(alarms=[alarm(then="alarm"), closed]), NotNow)


def test_the_most_telling_cause_is_given_with_all_its_alarms() -> None:
    """Harm comes before a move, and one training answers every alarm of its cause."""
    both = [alarm(), alarm(AlarmKind.QUALITY, "log-loss"), alarm(AlarmKind.QUALITY, "cost")]
    decision = decide(alarms=both, new_labels=5000)
    assert isinstance(decision, Retrain)
    assert (decision.cause, len(decision.alarms)) == (Cause.QUALITY, 2)
    assert decision.reason.endswith("and 1 more of its kind")


def test_a_version_on_trial_lets_another_cause_through() -> None:
    """One at a time for each cause: what was trained for drift does not answer harm to quality."""
    trained = (training(40, Cause.DRIFT),)
    both = [alarm(), alarm(AlarmKind.QUALITY, "log-loss")]
    decision = decide(alarms=both, trainings=trained, stages={"2": Stage.SHADOW})
    assert isinstance(decision, Retrain)
    assert decision.cause is Cause.QUALITY
    lost = decide(alarms=[alarm()], trainings=trained, stages={"2": Stage.REJECTED})
    assert isinstance(lost, Retrain)


def test_a_model_that_was_never_trained_is_due() -> None:
    """Nothing was learned yet, so there is no day to count from."""
    assert decide_retraining(POLICY, [], Past(), 0, NOW) == Retrain(Cause.SCHEDULE, "no version was ever trained")
    assert due(POLICY, Past(), NOW) == NOW


def test_when_the_next_may_come_is_the_later_of_all_limits() -> None:
    """Cool-down, schedule and budget each push it back."""
    assert earliest(POLICY, RESTED, NOW) == NOW
    assert due(POLICY, RESTED, NOW) == NOW + 60 * DAY
    spent = Past((training(100), training(2)))
    assert budget_left(POLICY, spent, NOW) == 0
    assert earliest(POLICY, spent, NOW) == NOW + 140 * DAY
    assert budget_left(POLICY, Past((training(100), training(50, Cause.PERSON))), NOW) == 1


STEP = st.tuples(
    st.floats(0.01, 40),
    st.sampled_from(["drift", "quality", "labels", "nothing", "person"]),
    st.sampled_from([TrainingState.ENDED, TrainingState.FAILED, TrainingState.HELD]),
)


@given(
    st.lists(STEP, max_size=60),
    st.integers(1, 4),
    st.floats(0, 20),
    st.floats(1, 200),
)
def test_no_sequence_of_alarms_goes_beyond_budget_or_cool_down(
    steps: list[tuple[float, str, TrainingState]], at_most: int, cool_down: float, in_days: float
) -> None:
    """Whatever comes when, no span of `in_days` holds more trainings than allowed, nor any two closer than allowed."""
    policy = POLICY.model_copy(update={"at_most": at_most, "cool_down_days": cool_down, "in_days": in_days})
    now, done = NOW, list[Training]()
    for days, what, state in steps:
        now += days * DAY
        alarms = {"drift": [alarm()], "quality": [alarm(AlarmKind.QUALITY)]}.get(what, [])
        asked = "because" if what == "person" else None
        labels = policy.new_labels if what == "labels" else 0
        decision = decide_retraining(policy, alarms, Past(done), labels, now, asked=asked)
        if isinstance(decision, Retrain):
            named = training_id("m", str(len(done)))
            done.append(Training(named, "m", decision.cause, "", now, state=state, started_at=now))
    begun = [one for one in done if one.state is not TrainingState.HELD]
    for place, one in enumerate(begun):
        if one.cause is Cause.PERSON:
            continue
        within = [
            other
            for other in begun[: place + 1]
            if other.cause is not Cause.PERSON and other.asked_at > one.asked_at - in_days * DAY
        ]
        assert len(within) <= at_most
        if place:
            assert one.asked_at - begun[place - 1].asked_at >= cool_down * DAY
