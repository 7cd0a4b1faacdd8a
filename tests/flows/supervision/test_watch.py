"""The loop goes on whatever a turn does, and only one process has it."""

import threading
import time

import structlog

from flows.supervision.watch import leased, watch
from stores.ledger.leases import Leases
from stores.ledger.schema import leases
from tests.flows.supervision.conftest import Workshop


def test_error_in_one_turn_keeps_no_other_from_its_own() -> None:
    """The same text is logged once, and the way back to order too."""
    taken: list[str] = []
    errors = iter([OSError("away"), OSError("away"), ValueError("odd"), None])

    def broken() -> None:
        error = next(errors, None)
        if error is not None:
            raise error

    stop = threading.Event()

    def whole() -> None:
        taken.append("whole")
        if len(taken) == 5:
            stop.set()

    with structlog.testing.capture_logs() as lines:
        rounds = watch({"broken": broken, "whole": whole}, stop, period_seconds=60, tick_seconds=0)
    assert (rounds, len(taken)) == (5, 5)
    told = [(line["event"], line.get("because")) for line in lines]
    assert told == [("tick_failed", "OSError: away"), ("tick_failed", "ValueError: odd"), ("tick_works_again", None)]


def test_loop_ends_with_its_period() -> None:
    """The next scheduled run goes on."""
    began = time.monotonic()
    assert watch({}, threading.Event(), period_seconds=0.2, tick_seconds=0.05) >= 2
    assert time.monotonic() - began < 10


def test_model_that_another_supervises_is_left_to_it(workshop: Workshop) -> None:
    """The others are had, and given back at the end."""
    with (
        Leases(workshop.engine).hold("supervise:toy"),
        leased(workshop.engine, ("toy", "other"), wait_seconds=0) as mine,
    ):
        assert mine == ("other",)
    with leased(workshop.engine, ("toy", "other"), wait_seconds=0) as mine:
        assert mine == ("toy", "other")


def test_lease_that_was_lost_meanwhile_ends_nothing(workshop: Workshop) -> None:
    """A machine that slept has been replaced; what both did was compared and set."""
    with structlog.testing.capture_logs() as lines:
        with leased(workshop.engine, ("toy",), wait_seconds=0) as mine:
            assert mine == ("toy",)
            with workshop.engine.begin() as connection:
                connection.execute(leases.delete())
        assert [line["event"] for line in lines] == ["lease_lost"]
