"""Leases keep runs apart, and a dead holder is not waited for long."""

import threading
import time

import pytest
from sqlalchemy import Engine, delete

from lifecycle.errors import Conflict
from stores.ledger import schema
from stores.ledger.leases import Leases


def test_a_held_lease_refuses_a_second_run(ledger: Engine) -> None:
    """The second run is told what is going on."""
    leases = Leases(ledger)
    with leases.hold("ingest:m"), pytest.raises(Conflict, match="ingest:m is still being worked on"):
        leases.hold("ingest:m", wait_seconds=0).__enter__()


def test_a_second_run_waits_for_the_first(ledger: Engine) -> None:
    """A scheduled run that comes in between goes on when the other has ended."""
    order: list[str] = []

    def second() -> None:
        with Leases(ledger).hold("ingest:m"):
            order.append("second")

    with Leases(ledger).hold("ingest:m"):
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.2)
        order.append("first")
    waiting.join(timeout=10)
    assert order == ["first", "second"]


def test_a_lease_is_free_after_its_block_even_on_an_error(ledger: Engine) -> None:
    """A failed run does not lock out the next."""
    leases = Leases(ledger)
    with pytest.raises(RuntimeError), leases.hold("ingest:m"):
        raise RuntimeError
    with leases.hold("ingest:m", wait_seconds=0):
        pass


def test_a_long_run_keeps_its_lease(ledger: Engine) -> None:
    """The holder renews: outlasting the lease's length does not lose it."""
    short = Leases(ledger, lease_seconds=0.4)
    with short.hold("ingest:m"):
        time.sleep(1)
        with pytest.raises(Conflict):
            short.hold("ingest:m", wait_seconds=0).__enter__()


def test_a_run_that_lost_its_lease_does_not_end_well(ledger: Engine) -> None:
    """Two runs that overlapped are not both done."""
    leases = Leases(ledger)
    with (
        pytest.raises(Conflict, match="was lost to another run"),
        leases.hold("ingest:m"),
        ledger.begin() as connection,
    ):
        connection.execute(delete(schema.leases))


def test_the_lease_of_a_dead_holder_lapses(ledger: Engine) -> None:
    """Whoever took it and never came back holds it for its length only."""
    dead = Leases(ledger, lease_seconds=0.1)
    assert dead._take("ingest:m", "somebody")
    time.sleep(0.2)
    with Leases(ledger).hold("ingest:m", wait_seconds=0):
        pass
