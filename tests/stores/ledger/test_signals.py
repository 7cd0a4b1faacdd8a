"""The newest ring is what is heard."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from stores.ledger.signals import REGISTRY, Signals

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_bell_that_was_never_rung_has_no_moment(ledger: Engine) -> None:
    """Nothing was heard yet."""
    assert Signals(ledger).last(REGISTRY) is None


def test_newest_ring_stands_also_when_an_older_one_arrives_late(ledger: Engine) -> None:
    """A signal never goes back in time, and bells do not hear each other."""
    signals = Signals(ledger)
    for seconds in (0, 2, 1):
        signals.ring(REGISTRY, NOW + timedelta(seconds=seconds))
    signals.ring("another", NOW)
    assert signals.last(REGISTRY) == NOW + timedelta(seconds=2)
    assert signals.last("another") == NOW
