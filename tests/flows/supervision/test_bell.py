"""Each ring is heard once."""

from datetime import timedelta

from flows.supervision.bell import Bell
from stores.ledger.signals import REGISTRY, Signals
from tests.flows.supervision.conftest import NOW, Workshop


def test_ring_is_heard_once_also_one_from_before(workshop: Workshop) -> None:
    """Who was rung while nobody listened is heard at the start."""
    bell, signals = Bell(workshop.engine), Signals(workshop.engine)
    assert not bell.rung()
    signals.ring(REGISTRY, NOW)
    assert [bell.rung(), bell.rung()] == [True, False]
    signals.ring(REGISTRY, NOW + timedelta(seconds=1))
    assert bell.rung()
    assert Bell(workshop.engine).rung()
