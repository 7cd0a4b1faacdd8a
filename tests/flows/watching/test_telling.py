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
    """A decision, a page, a training, all of one name."""
    people = People()
    opened(engine, "retrain")
    tell(engine, people)
    tell(engine, people)
    (decision,) = Decisions(engine).of(POLICY.model)
    assert people.pages == [decision.decision_id]
    assert people.trainings == [("drift", decision.decision_id)]
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
    opened(engine, "retrain")
    with pytest.raises(Killed):
        tell(engine, People(killed_at))
    people = People()
    tell(engine, people)
    (decision,) = Decisions(engine).of(POLICY.model)
    assert people.pages == [decision.decision_id]
    assert people.trainings == [("drift", decision.decision_id)]


def test_ten_alarms_of_one_look_are_one_call(engine: Engine) -> None:
    """It names the largest first, and has each of them as a finding."""
    concerns = [
        Concern(AlarmKind.DRIFT, f"f{number}", "alarm", number / 10, 0.1, f"f{number} has moved", T0)
        for number in range(10)
    ]
    quality = Concern(AlarmKind.QUALITY, "quality-loss", "retrain", 0.6, 0.5, "log loss is 0.6", T0)
    Alarms(engine).apply(POLICY.model, "1", judged=KINDS, concerns=[*concerns, quality], now=T0)
    people = People()
    tell(engine, people)
    (decision,) = Decisions(engine).of(POLICY.model)
    assert people.pages == [decision.decision_id]
    assert people.trainings == [("quality", decision.decision_id)]
    assert len(decision.findings) == 11
    assert "10 features that moved (f9, f8, f7, f6, f5, f4 and 4 more)" in decision.reason
    assert "1 rules of quality that fail (quality-loss)" in decision.reason
