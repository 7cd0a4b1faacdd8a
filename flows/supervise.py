"""Supervise: judge every arm of every model every few seconds, and move traffic by the written rules."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from prefect import flow
from sqlalchemy import Engine

from flows.paging import page
from flows.supervision.background import Background
from flows.supervision.bell import Bell
from flows.supervision.desk import Desk, open_desk
from flows.supervision.registry_work import RegistryWork
from flows.supervision.tick import tick
from flows.supervision.watch import Turn, leased, watch
from lifecycle.rollout import decide_rollout
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.policies import policy_models
from stores.settings import Settings, settings

LOOK_SECONDS = 30.0
"""How long a version may wait whose ring was lost, and a registry that was away for its tags."""


@flow
def supervise(period_seconds: float = 3600, tick_seconds: float = 2.0) -> int:
    """Tick for a period and return how many rounds were made; SIGTERM ends it between two ticks.

    Two that run at once change nothing twice: each model is looked after by whoever holds its lease, and the other
    ends without a word. Killed at any point and started again, it goes on from where the ledger stands.
    """
    config = settings()
    engine = open_ledger(config.ledger_address)
    with _until_terminated() as stop, leased(engine, policy_models(config.policies)) as models:
        if not models:
            return 0
        return watch(_turns(models, config, engine), stop, period_seconds, tick_seconds)


def _turns(models: tuple[str, ...], config: Settings, engine: Engine) -> dict[str, Turn]:
    bell, progress = Bell(engine), Progress(engine)
    # One thread for everything that is MLflow's: two that import it at once find it half made.
    beside = Background("registry", RegistryWork(models, config, engine).turn, LOOK_SECONDS)

    def judged(model: str) -> Turn:
        desks: list[Desk] = []

        def turn() -> None:
            # Opened at the first turn, so that a definition that cannot be read fails alone, and is tried again.
            if not desks:
                desks.append(open_desk(model, config, engine, decide_rollout, page))
            now = desks[0].now()
            beside.heed(due=bool(tick(desks[0])))
            # Up to where everything was judged: a replay that plays faster than this waits for it.
            progress.advance(f"supervise:{model}", now)

        return turn

    turns = {model: judged(model) for model in models}
    return {**turns, "registry": lambda: beside.heed(due=bell.rung())}


@contextmanager
def _until_terminated() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM sets, where this thread may listen to signals."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def heed(_: int, __: FrameType | None) -> None:
        stop.set()

    before = signal.signal(signal.SIGTERM, heed)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
