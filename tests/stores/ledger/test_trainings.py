"""Trainings in the ledger, and a model's loop read from it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from lifecycle.loop import Reign
from lifecycle.plan import TrafficPlan
from lifecycle.training import Cause, Training, TrainingState, training_id
from lifecycle.verdict import Decision, Verdict
from stores.ledger.decisions import Decisions
from stores.ledger.loop import read_record
from stores.ledger.plans import Plans
from stores.ledger.trainings import Trainings

AT = datetime(2013, 7, 1, tzinfo=UTC)
ASKED = Training(training_id("m", "0"), "m", Cause.DRIFT, "it moved", AT, ("an-alarm",))


def test_a_training_is_kept_in_place_of_what_was_known_of_it(ledger: Engine) -> None:
    """One row from asking to the end, and nothing of it is lost on the way."""
    trainings = Trainings(ledger)
    trainings.keep(ASKED)
    ended = replace(
        ASKED, state=TrainingState.ENDED, attempts=1, version="2", outcome="admit", started_at=AT, ended_at=AT
    )
    trainings.keep(ended)
    assert trainings.of("m") == (ended,)
    assert trainings.of("other") == ()


@pytest.mark.parametrize("state", TrainingState)
def test_a_training_that_was_held_is_not_known(ledger: Engine, state: TrainingState) -> None:
    """Its name is free for whoever asks next."""
    Trainings(ledger).keep(replace(ASKED, state=state))
    assert Trainings(ledger).known(ASKED.training_id) == (state is not TrainingState.HELD)


def test_the_last_judged_is_what_the_offline_gate_decided_last(ledger: Engine) -> None:
    """What rules and people decide of a version says nothing about a training."""
    assert Trainings(ledger).judged_at("m") is None
    for day, actor in enumerate(("flow:train", "flow:train", "flow:supervise", "person:ann")):
        Decisions(ledger).record(
            Decision(str(day), "m", "1", "admit", Verdict.PASS, "", (), "p", 0, actor, AT + timedelta(days=day))
        )
    assert Trainings(ledger).judged_at("m") == AT + timedelta(days=1)


def test_a_loop_is_read_with_its_champions_and_since_when_it_is_held(ledger: Engine) -> None:
    """A hold that was ended and said anew counts from the new one, whatever changes under it."""
    plans = Plans(ledger)
    moves: tuple[Callable[[TrafficPlan, datetime], TrafficPlan], ...] = (
        lambda plan, at: plan.promote("1", at),
        lambda plan, _: plan.hold("first"),
        lambda plan, at: plan.resume(at),
        lambda plan, _: plan.hold("second"),
        lambda plan, at: plan.promote("2", at),
    )
    for hour, move in enumerate(moves):
        at = AT + timedelta(hours=hour)
        plans.write(move(plans.current("m"), at), at)
    record = read_record(ledger, "m")
    assert record.reigns == (Reign("1", AT), Reign("2", AT + timedelta(hours=4)))
    assert record.held == ("second", AT + timedelta(hours=3))
    assert record.past.trained_at == AT + timedelta(hours=4)
    assert read_record(ledger, "other").held is None
