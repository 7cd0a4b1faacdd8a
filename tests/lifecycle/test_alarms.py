"""Alarms open once, are seen again, and close when what they are about is gone."""

from datetime import UTC, datetime, timedelta

from lifecycle.alarms import AlarmKind, Concern, settle

T0 = datetime(2013, 7, 1, tzinfo=UTC)
KINDS = frozenset({AlarmKind.DRIFT, AlarmKind.MISSING})


def concern(subject: str, kind: AlarmKind = AlarmKind.DRIFT, value: float = 0.4) -> Concern:
    """Return something that a look found."""
    return Concern(kind, subject, "retrain", value, 0.1, f"{subject} has moved by {value}", T0)


def test_a_concern_that_stays_is_one_alarm_with_its_first_onset() -> None:
    """However often it is looked at; it says what was found last."""
    first = settle((), "m", "1", judged=KINDS, concerns=[concern("wind")], now=T0)
    again = settle(first.opened, "m", "1", judged=KINDS, concerns=[concern("wind", value=0.9)], now=T0 + timedelta(1))
    assert [alarm.concern.subject for alarm in first.opened] == ["wind"]
    assert not again.opened
    assert not again.closed
    (seen,) = again.seen
    assert (seen.alarm_id, seen.opened_at, seen.concern.value) == (first.opened[0].alarm_id, T0, 0.9)


def test_a_concern_that_is_gone_closes_its_alarm_only_where_the_look_judged_its_kind() -> None:
    """A look that could not count what is missing says nothing about it."""
    both = [concern("wind"), concern("gate", AlarmKind.MISSING)]
    opened = settle((), "m", "1", judged=KINDS, concerns=both, now=T0).opened
    settled = settle(opened, "m", "1", judged=frozenset({AlarmKind.DRIFT}), concerns=[], now=T0)
    assert [(alarm.concern.subject, alarm.closed_by) for alarm in settled.closed] == [("wind", "look")]


def test_a_concern_that_comes_back_is_another_alarm() -> None:
    """Two who find it at once give it one name."""
    opened = settle((), "m", "1", judged=KINDS, concerns=[concern("wind")], now=T0).opened
    closed = settle(opened, "m", "1", judged=KINDS, concerns=[], now=T0).closed
    back = [settle(closed, "m", "1", judged=KINDS, concerns=[concern("wind")], now=T0) for _ in range(2)]
    assert back[0].opened[0].alarm_id == back[1].opened[0].alarm_id != opened[0].alarm_id


def test_alarms_about_a_version_that_no_longer_serves_are_closed() -> None:
    """The champion after it has its own baseline."""
    opened = settle((), "m", "1", judged=KINDS, concerns=[concern("wind")], now=T0).opened
    settled = settle(opened, "m", "2", judged=KINDS, concerns=[concern("wind")], now=T0)
    assert [alarm.closed_by for alarm in settled.closed] == ["plan"]
    assert [alarm.version for alarm in settled.opened] == ["2"]
