"""Finds versions whose scoring does not come back, and says so to the ledger.

A version scores in threads of its own, where nothing can call it off: its callers are answered by other tiers, but a
thread is lost for good, and perhaps a core. So it is told, and whoever judges takes the version back.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import structlog

from serving.at_work import AtWork, Hang, Scoring
from serving.shadow.waiting import CoreUse, thread_use

log = structlog.get_logger()

TICK_SECONDS = 0.25
HANG_SECONDS = 5.0
"""Of time that a scoring really had; what answers users is proven in milliseconds."""
GRACE_SECONDS = 6.0
"""How long a hang is told of when the scoring comes back after all; the ledger's supervisor looks every two seconds."""
LOWEST = 19


@dataclass(eq=False)
class _Watched:
    """One scoring, and the time that it had; `found` is its hang, and `back_at` when it came back from it."""

    scoring: Scoring
    used_seconds: float
    had_seconds: float = 0.0
    found: Hang | None = None
    back_at: float | None = None


class Watchdog:
    """Watches the scorings under way, tick by tick; `tick` is to be called every TICK_SECONDS.

    A hang is one and the same scoring that has had HANG_SECONDS: of ticks that came on time, so that a process that
    was suspended has not hung, and while its thread wants a core, of computing, so that a starved one has not either.
    It is said in `at_work`, and the model's name is `told`. Its thread yields to all others from then on.

    `use` is what a thread has of the cores by its native id, `monotonic` is in seconds.
    """

    def __init__(
        self,
        at_work: AtWork,
        *,
        told: Callable[[str], None],
        use: Callable[[int], CoreUse] = thread_use,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._at_work = at_work
        self._told = told
        self._use = use
        self._monotonic = monotonic
        self._watched: dict[int, _Watched] = {}
        self._returned: list[_Watched] = []
        self._ticked_at = monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Watch in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def tick(self) -> None:
        """Look at the scorings under way once."""
        now = self._monotonic()
        elapsed, self._ticked_at = now - self._ticked_at, now
        under_way = dict(self._at_work.scorings)
        for thread, watched in list(self._watched.items()):
            if under_way.get(thread) is not watched.scoring:
                self._returns(self._watched.pop(thread), now)
        for thread, scoring in under_way.items():
            watched_here = self._watched.get(thread)
            if watched_here is None:
                self._watched[thread] = _Watched(scoring, self._use(thread).used_seconds)
            elif watched_here.found is None:
                self._count(thread, watched_here, elapsed)
        self._forget(now)

    def _run(self) -> None:
        while not self._stopped.wait(TICK_SECONDS):
            try:
                self.tick()
            except Exception:
                # Nothing else sees a hang, so it must outlive anything.
                log.exception("watchdog_failed")

    def _count(self, thread: int, watched: _Watched, elapsed: float) -> None:
        use = self._use(thread)
        computed, watched.used_seconds = use.used_seconds - watched.used_seconds, use.used_seconds
        if elapsed <= 2 * TICK_SECONDS:
            watched.had_seconds += min(elapsed, max(0.0, computed)) if use.wanted else elapsed
        if watched.had_seconds >= HANG_SECONDS:
            self._found(thread, watched)

    def _found(self, thread: int, watched: _Watched) -> None:
        stage, prepared = watched.scoring
        model, rows = stage.definition.name, len(prepared.matrix)
        reason = (
            f"hung: {rows} {'row' if rows == 1 else 'rows'} without scores after {watched.had_seconds:.1f} s; "
            f"{HANG_SECONDS:g} s are allowed, and others answered meanwhile"
        )
        watched.found = Hang(model, stage.version, reason)
        self._at_work.hangs = (*self._at_work.hangs, watched.found)
        log.error("version_hung", model=model, version=stage.version, because=reason)
        _yield_to_others(thread)
        # Apart, because the ledger may be away, and then it takes its time to say so.
        _aside(partial(self._told, model))

    def _returns(self, watched: _Watched, now: float) -> None:
        if watched.found is not None:
            watched.back_at = now
            self._returned.append(watched)

    def _forget(self, now: float) -> None:
        """Say no more of scorings that came back: whoever judges has had the time to hear of them."""
        over = [one for one in self._returned if one.back_at is not None and now - one.back_at >= GRACE_SECONDS]
        if over:
            gone = [one.found for one in over]
            self._returned = [one for one in self._returned if one not in over]
            self._at_work.hangs = tuple(hang for hang in self._at_work.hangs if not any(hang is one for one in gone))


def _yield_to_others(thread: int) -> None:
    if sys.platform == "linux":
        # Linux takes a thread's number here, and so slows down this thread alone.
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, LOWEST)


def _aside(call: Callable[[], None]) -> None:
    def made() -> None:
        with suppress(Exception):
            call()

    threading.Thread(target=made, name="watchdog-aside", daemon=True).start()
