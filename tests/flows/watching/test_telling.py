"""Alarms are told once each, whatever is killed in between."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from flows.watching.telling import tell_of_alarms
from lifecycle.alarms import AlarmKind, Concern
from lifecycle.verdict import Decision
from lifecycle.watching_policy import Follows
from stores.ledger.alarms import Alarms
from stores.ledger.decisions import Decisions
from stores.ledger.opening import open_ledger
from stores.settings import Settings
from tests.lifecycle.rollouts import two_steps

T0 = datetime(2013, 7, 1, tzinfo=UTC)
POLICY = two_steps()
KINDS = frozenset({AlarmKind.DRIFT})


class Killed(Exception):
    """The process ended here."""


class People:
    """Who is called, and which trainings are asked for; `killed_at` is where the process ends."""

    def __init__(self, killed_at: str = "") -> None:
        self.pages: list[str] = []
        self.trainings: list[tuple[str, str]] = []
        self._killed_at = killed_at

    def page(self, decision: Decision) -> None:
        """Be called."""
        if self._killed_at == "page":
            raise Killed
        self.pages.append(decision.decision_id)

    def train(self, _model: str, cause: str, _reason: str, key: str) -> None:
        """Be asked for a training."""
        if self._killed_at == "train":
            raise Killed
        self.trainings.append((cause, key))


@pytest.fixture
def engine(home: Settings) -> Engine:
    """An empty ledger."""
    return open_ledger(home.ledger_address)


def opened(engine: Engine, then: Follows) -> str:
    """Open an alarm and return its id."""
    concern = Concern(AlarmKind.DRIFT, "wind", then, 0.4, 0.1, "wind has moved by 0.4", T0)
    return Alarms(engine).apply(POLICY.model, "1", judged=KINDS, concerns=[concern], now=T0).opened[0].alarm_id


def tell(engine: Engine, people: People) -> None:
    """Tell of what stands."""
    tell_of_alarms(engine, POLICY, T0, people.page, people.train)


def test_an_alarm_is_told_once_and_asks_for_its_training(engine: Engine) -> None:
    """A decision, a page, a training, all named by the alarm."""
    alarm, people = opened(engine, "retrain"), People()
    tell(engine, people)
    tell(engine, people)
    assert people.pages == [alarm]
    assert people.trainings == [("drift", alarm)]
    (decision,) = Decisions(engine).of(POLICY.model)
    assert decision.decision_id == alarm
    assert "wind has moved by 0.4; a version is to be trained anew" in decision.reason


def test_a_note_calls_nobody_until_a_look_makes_it_more(engine: Engine) -> None:
    """Then it is told like any other."""
    opened(engine, "note")
    people = People()
    tell(engine, people)
    assert not people.pages
    concern = Concern(AlarmKind.DRIFT, "wind", "alarm", 0.5, 0.1, "wind has moved by 0.5", T0)
    Alarms(engine).apply(POLICY.model, "1", judged=KINDS, concerns=[concern], now=T0)
    tell(engine, people)
    assert len(people.pages) == 1
    assert not people.trainings


@pytest.mark.parametrize("killed_at", ["page", "train"])
def test_what_a_killed_run_left_untold_is_told_by_the_next(engine: Engine, killed_at: str) -> None:
    """One decision; page and training are named by the alarm, so that who hears twice knows it is one."""
    alarm = opened(engine, "retrain")
    with pytest.raises(Killed):
        tell(engine, People(killed_at))
    people = People()
    tell(engine, people)
    assert people.pages == [alarm]
    assert people.trainings == [("drift", alarm)]
    assert len(Decisions(engine).of(POLICY.model)) == 1
