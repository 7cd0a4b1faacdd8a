"""Alarms and the loop's figures as people read them, and who may call an alarm false."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from console import cli
from lifecycle.alarms import Alarm, AlarmKind, Concern
from lifecycle.errors import Conflict, InvalidInput, NotFound, NotPermitted
from stores.ledger.alarms import Alarms
from stores.ledger.progress import Progress
from stores.settings import Settings
from tests.console.rollouts import EVENT_NOW, MODEL, rollout


@pytest.fixture
def engine(home: Settings) -> Engine:
    """Return a ledger with a rollout under way, on a replayed clock."""
    made = rollout(home)
    Progress(made).set_replay(EVENT_NOW)
    return made


def wind(engine: Engine) -> Alarm:
    """Have a look find that the wind has moved, ten hours after it did, five hours ago."""
    at = EVENT_NOW - timedelta(hours=5)
    found = [Concern(AlarmKind.DRIFT, "wind", "retrain", 0.31, 0.1, "PSI is 0.31", at - timedelta(hours=10))]
    settled = Alarms(engine).apply(MODEL, "2", judged=frozenset({AlarmKind.DRIFT}), concerns=found, now=at)
    return settled.opened[0]


def say(*words: str) -> str:
    """Return what the command prints; raises the error that a person would read."""
    result = CliRunner().invoke(cli.app, [*words], env={"COLUMNS": "400"})
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_an_alarm_is_one_sentence_with_value_limit_and_since_when(engine: Engine) -> None:
    """What, by which numbers, since when, and what follows."""
    assert say("alarms").strip() == "No alarm stands."
    alarm = wind(engine)
    assert say("alarms").strip() == (
        f"{alarm.alarm_id}  flight_delay version 2: drift of wind: PSI is 0.31 (value 0.31, limit 0.1), "
        "since 2013-04-01 15:00, opened 2013-04-02 01:00, calls for: retrain"
    )
    (told,) = json.loads(say("alarms", "--json"))
    assert (told["alarm_id"], told["concern"]["value"], told["closed_at"]) == (alarm.alarm_id, 0.31, None)


def test_a_dismissed_alarm_is_kept_with_name_and_reason(engine: Engine) -> None:
    """It no longer stands, and whoever reads the list of all sees who said so."""
    alarm = wind(engine)
    said = say("alarms", "dismiss", alarm.alarm_id, "--reason", "the sensor was moved", "--as", "on-call")
    told = "closed 2013-04-02 06:00 by person:on-call: the sensor was moved"
    assert told in said
    assert say("alarms").strip() == "No alarm stands."
    assert told in say("alarms", "--all")
    (kept,) = Alarms(engine).all(MODEL)
    assert (kept.closed_at, kept.closed_by) == (EVENT_NOW, "person:on-call")
    with pytest.raises(Conflict, match="was closed at"):
        say("alarms", "dismiss", alarm.alarm_id, "--reason", "again", "--as", "on-call")


@pytest.mark.parametrize(
    ("name", "reason", "error", "words"),
    [
        ("a-stranger", "no", NotPermitted, "its policy lets on-call, flight-operations"),
        ("on-call", "  ", InvalidInput, "the reason is empty"),
    ],
)
def test_only_who_may_resume_may_dismiss_and_says_why(
    engine: Engine, name: str, reason: str, error: type[Exception], words: str
) -> None:
    """What is refused changes nothing."""
    alarm = wind(engine)
    with pytest.raises(error, match=words):
        say("alarms", "dismiss", alarm.alarm_id, "--reason", reason, "--as", name)
    assert Alarms(engine).standing(MODEL) == (alarm,)


def test_an_alarm_that_is_not_there_is_told(engine: Engine) -> None:
    """The message says where the names are."""
    with pytest.raises(NotFound, match="`holdfast alarms` lists"):
        say("alarms", "dismiss", "nothing", "--reason", "no", "--as", "on-call")


def test_the_loop_tells_its_times_and_what_comes_next(engine: Engine) -> None:
    """Figures that have no case yet say so; days and hours are the replayed clock's."""
    wind(engine)
    told = [line.strip() for line in say("loop").splitlines()]
    assert told[0] == "flight_delay  2013-04-02 06:00 UTC"
    assert "alarms    1, of which 1 stand; false at most 0: 0 dismissed by people, 0 came to nothing" in told
    assert "detect    10.0 h in the median of 1, 10.0 h last (from onset to alarm)" in told
    assert "decide    no case yet (from alarm to a training asked for, or dismissed)" in told
    assert "last look none yet; the flow `watch` looks" in told
    # The champion serves since April 1st: 21 days of cool-down from there, 90 to the next by schedule.
    assert told[-1] == (
        "next      an alarm is heard from 2013-04-22 00:00 on, the schedule asks on 2013-06-30 00:00; 4 left in budget"
    )
    (figures,) = json.loads(say("loop", "--json"))["models"]
    assert (figures["model"], figures["detect"]["median_hours"], figures["trainings_left"]) == (MODEL, 10.0, 4)
