"""Alarms in the ledger."""

from datetime import UTC, datetime
from threading import Thread

import pytest
from sqlalchemy import Engine

from lifecycle.alarms import Alarm, AlarmKind, Concern, Settled
from lifecycle.errors import Conflict, NotFound
from lifecycle.verdict import Decision, Verdict
from stores.ledger.alarms import Alarms
from stores.ledger.decisions import Decisions

T0 = datetime(2013, 7, 1, tzinfo=UTC)
WIND = Concern(AlarmKind.DRIFT, "wind", "alarm", 0.4, 0.1, "wind has moved", T0)


def look(ledger: Engine, *concerns: Concern) -> Settled:
    """Return what one look did."""
    judged = frozenset({AlarmKind.DRIFT})
    return Alarms(ledger).apply("m", "1", judged=judged, concerns=concerns, now=T0)


def test_an_alarm_is_opened_once_and_comes_back_as_it_was_stored(ledger: Engine) -> None:
    """Also when many look at once."""
    found: list[Settled] = []

    def run() -> None:
        try:
            found.append(look(ledger, WIND))
        except Conflict:
            return

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(settled.opened) for settled in found) == 1
    (stored,) = Alarms(ledger).standing("m")
    assert stored.concern == WIND
    assert not stored.told


def call_for(alarm: Alarm, name: str = "d1") -> Decision:
    """Return the decision that calls people for an alarm."""
    return Decision(name, alarm.model, alarm.version, "alarm", Verdict.FAIL, "wind", (), "p", 1, "flow:watch", T0)


def test_what_was_told_is_remembered_through_later_looks(ledger: Engine) -> None:
    """So that nobody is called twice."""
    (alarm,) = look(ledger, WIND).opened
    Alarms(ledger).call([alarm], call_for(alarm))
    assert (Alarms(ledger).standing("m")[0].decision_id, Alarms(ledger).standing("m")[0].told) == ("d1", False)
    Alarms(ledger).mark_told("d1", T0)
    look(ledger, WIND)
    assert Alarms(ledger).standing("m")[0].told


def test_people_are_called_for_an_alarm_by_one_decision_only(ledger: Engine) -> None:
    """The second one stores nothing."""
    (alarm,) = look(ledger, WIND).opened
    Alarms(ledger).call([alarm], call_for(alarm))
    with pytest.raises(Conflict, match="another process"):
        Alarms(ledger).call([alarm], call_for(alarm, "d2"))
    assert [decision.decision_id for decision in Decisions(ledger).of("m")] == ["d1"]


def test_a_person_dismisses_an_alarm_once(ledger: Engine) -> None:
    """It is closed in their name; what is closed or unknown cannot be."""
    (alarm,) = look(ledger, WIND).opened
    closed = Alarms(ledger).dismiss(alarm.alarm_id, "on-call", "a holiday", T0)
    assert (closed.closed_by, closed.closed_because) == ("on-call", "a holiday")
    with pytest.raises(Conflict, match="on-call"):
        Alarms(ledger).dismiss(alarm.alarm_id, "on-call", "again", T0)
    with pytest.raises(NotFound, match="holdfast alarms"):
        Alarms(ledger).dismiss("none", "on-call", "?", T0)


def test_a_person_who_dismisses_while_a_look_goes_on_has_the_last_word(
    ledger: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a store lets both write, the look's write leaves what was closed since it read."""
    (alarm,) = look(ledger, WIND).opened
    stale = Alarms(ledger).all("m")
    Alarms(ledger).dismiss(alarm.alarm_id, "on-call", "a holiday", T0)
    monkeypatch.setattr("stores.ledger.alarms._all", lambda _connection, _model: stale)
    look(ledger, WIND)
    look(ledger)
    monkeypatch.undo()
    (kept,) = Alarms(ledger).all("m")
    assert (kept.closed_by, kept.closed_because) == ("on-call", "a holiday")
