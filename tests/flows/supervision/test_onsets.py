"""An alarm is told once while it goes on, and again when it had ended."""

from datetime import datetime, timedelta

import pytest

from flows.supervision import applying
from flows.supervision.onsets import QUIET, Onset
from flows.supervision.tick import tick
from flows.supervision.verification import Verification
from lifecycle.outcome import Action
from lifecycle.verdict import Decision
from stores.ledger.decisions import Decisions
from stores.ledger.signals import Signals
from tests.flows.supervision.climbing import crown, desk_of
from tests.flows.supervision.conftest import NOW, Workshop

LOOK = timedelta(seconds=2)


class MachineTime(datetime):
    """A machine's clock that a test sets."""

    at = NOW

    @classmethod
    def now(cls, tz: object = None) -> "MachineTime":  # noqa: ARG003 - datetime's signature
        """Return the moment that was set."""
        return cls.fromisoformat(cls.at.isoformat())


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> type[MachineTime]:
    """Return the clock by which alarms go on and end."""
    MachineTime.at = NOW
    monkeypatch.setattr(applying, "datetime", MachineTime)
    return MachineTime


def looked(workshop: Workshop, paged: list[Decision]) -> tuple[Action, ...]:
    """Look as a supervisor that was just started does, at replicas that have had their time."""
    desk = desk_of(workshop, paged)
    desk.verification = Verification(patience_seconds=0.0)
    return tuple(outcome.action for outcome in tick(desk))


def test_second_outage_under_one_plan_revision_is_told_again(workshop: Workshop, machine: type[MachineTime]) -> None:
    """The first is told once, however long it goes on; a gap that is shorter than QUIET does not end it."""
    crown(workshop)
    paged: list[Decision] = []
    assert looked(workshop, paged) == (Action.ALARM,)
    for _ in range(5):
        machine.at += QUIET - LOOK
        assert looked(workshop, paged) == ()
    machine.at += QUIET
    assert looked(workshop, paged) == (Action.ALARM,)
    machine.at += LOOK
    assert looked(workshop, paged) == ()
    assert len({decision.decision_id for decision in paged}) == 2
    assert {decision.plan_revision for decision in paged} == {1}
    assert len([made for made in Decisions(workshop.engine).of("toy") if made.action == "alarm"]) == 2


def test_supervisor_that_is_killed_between_telling_and_ringing_tells_no_second_time(
    workshop: Workshop, machine: type[MachineTime]
) -> None:
    """The name follows from the last ring, so the decision is stored already."""
    crown(workshop)
    paged: list[Decision] = []
    looked(workshop, paged)
    machine.at += 2 * QUIET

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    stored: list[Decision] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Onset, "ring", die)
        with pytest.raises(KeyboardInterrupt):
            looked(workshop, stored)
    assert len(stored) == 1
    machine.at += 2 * QUIET
    assert looked(workshop, paged) == ()
    assert len(paged) == 1


def test_two_supervisors_give_one_onset_one_name(workshop: Workshop) -> None:
    """And another one to what was said after it had ended."""
    signals = Signals(workshop.engine)
    mine, other = (Onset(signals, "toy/1/alarm", NOW + seconds * LOOK) for seconds in (0, 1))
    assert mine.name == other.name
    mine.ring()
    assert Onset(signals, "toy/1/alarm", NOW + LOOK).goes_on
    assert not Onset(signals, "toy/2/alarm", NOW + LOOK).goes_on
    later = Onset(signals, "toy/1/alarm", NOW + QUIET)
    assert (later.goes_on, later.name == mine.name) == (False, False)
