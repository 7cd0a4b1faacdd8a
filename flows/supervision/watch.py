"""The loop around the ticks: every model in turn, each under its lease, until the period is over."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from lifecycle.errors import Conflict
from stores.ledger.failing import in_short
from stores.ledger.leases import Leases

LEASE_SECONDS = 15.0
"""How long a supervisor that was killed is waited for; its lease is renewed four times within it."""

Turn = Callable[[], object]
log = structlog.get_logger()


@contextmanager
def leased(
    engine: Engine, models: tuple[str, ...], wait_seconds: float = LEASE_SECONDS + 5
) -> Iterator[tuple[str, ...]]:
    """Hold the leases of models for a block and yield those that were got.

    One that somebody else goes on holding is left to them. A lease that was lost meanwhile is logged: a tick
    compares and sets, so that whoever had it changed nothing twice.
    """
    with ExitStack() as held:
        yield tuple(model for model in models if held.enter_context(_lease(engine, model, wait_seconds)))


@contextmanager
def _lease(engine: Engine, model: str, wait_seconds: float) -> Iterator[bool]:
    leases = Leases(engine, lease_seconds=LEASE_SECONDS).hold(f"supervise:{model}", wait_seconds)
    try:
        leases.__enter__()
    except Conflict:
        log.info("supervised_by_another", model=model)
        yield False
        return
    try:
        yield True
    finally:
        try:
            leases.__exit__(None, None, None)
        except (Conflict, SQLAlchemyError) as error:
            log.warning("lease_lost", model=model, because=in_short(error))


def watch(turns: Mapping[str, Turn], stop: threading.Event, period_seconds: float, tick_seconds: float) -> int:
    """Take every turn each `tick_seconds` until `stop` is set or the period is over; return how many rounds were made.

    An error in a turn keeps neither the others nor the next round from coming; it is logged when its text changes.
    """
    end = time.monotonic() + period_seconds
    said: dict[str, str] = {}
    rounds = 0
    while not stop.is_set() and time.monotonic() < end:
        began = time.monotonic()
        for name, turn in turns.items():
            _take(name, turn, said)
        rounds += 1
        stop.wait(max(0.0, tick_seconds - (time.monotonic() - began)))
    return rounds


def _take(name: str, turn: Turn, said: dict[str, str]) -> None:
    try:
        turn()
    except Exception as error:  # noqa: BLE001 - a model's own code runs in its turn, and the others must have theirs
        told = f"{type(error).__name__}: {error}"
        if said.get(name) != told:
            log.warning("tick_failed", turn=name, because=told)
        said[name] = told
    else:
        if said.pop(name, None) is not None:
            log.info("tick_works_again", turn=name)
