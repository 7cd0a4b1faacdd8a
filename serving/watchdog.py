"""Ends a gateway whose event loop is held by a version that hangs, once the ledger knows which version it was.

A version that answers users scores on the event loop itself, where nothing can call it off. Only another thread sees
that it hangs, and only the end of the process ends it; its server starts another, which follows the plan of by then.
"""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import structlog

from serving.at_work import AtWork, Hang, Scoring
from serving.prepared import Prepared
from serving.recording import log_failed
from serving.shadow.waiting import CoreUse
from serving.stage import Stage

log = structlog.get_logger()

TICK_SECONDS = 0.25
HANG_SECONDS = 5.0
"""Of time that a scoring really had; what answers users is proven in milliseconds."""
GRACE_SECONDS = 6.0
"""How long the ledger's supervisor has to take the version back; it looks every two seconds."""
FOLLOW_SECONDS = 1.0
"""How long the other replicas have to follow that plan, so that the request is replayed to one that does."""
RECORD_SECONDS = 2.0
"""How long the process waits at its end for the log to take the failed rows."""
NEVER = float("inf")


class Watchdog:
    """Watches the scoring under way, tick by tick; `tick` is to be called every TICK_SECONDS.

    A hang is one and the same scoring that has had HANG_SECONDS: of ticks that came on time, so that a process that
    was suspended has not hung, and while its thread wants a core, of computing, so that a starved one has not either.
    It is said in `at_work` and `told` to the ledger with the model's name. When `follows` says that a newer plan of a
    model than a revision is followed, or time is up, `record` logs the rows as failed, and `end` ends the process. A
    scoring that comes back by then ends nothing, but has been told.

    `use` is what the event loop's thread has of the cores, `monotonic` is in seconds.
    """

    def __init__(
        self,
        at_work: AtWork,
        *,
        use: Callable[[], CoreUse],
        told: Callable[[str], None],
        follows: Callable[[str, int], bool],
        record: Callable[[Stage, Prepared, str, float], None] = log_failed,
        end: Callable[[], None] = lambda: os._exit(1),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._at_work = at_work
        self._use = use
        self._told = told
        self._follows = follows
        self._record = record
        self._end = end
        self._monotonic = monotonic
        self._scoring: Scoring | None = None
        self._hung: Scoring | None = None
        self._ticked_at = self._began_at = monotonic()
        self._had_seconds = self._used_seconds = 0.0
        self._found_at = self._followed_at = NEVER
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
        """Look at the scoring under way once."""
        now = self._monotonic()
        elapsed, self._ticked_at = now - self._ticked_at, now
        scoring = self._at_work.scoring
        if scoring is not self._hung and now - self._found_at >= GRACE_SECONDS:
            self._forget()
        if scoring is None or scoring is not self._scoring:
            self._begin(scoring, now)
        elif scoring is not self._hung:
            self._count(elapsed)
            if self._had_seconds >= HANG_SECONDS:
                self._found(scoring, now)
        elif self._is_time(scoring, now):
            self._over(scoring, now)

    def _run(self) -> None:
        while not self._stopped.wait(TICK_SECONDS):
            try:
                self.tick()
            except Exception:
                # Nothing else ends a hang, so it must outlive anything.
                log.exception("watchdog_failed")

    def _begin(self, scoring: Scoring | None, now: float) -> None:
        """Watch another scoring, or none."""
        if scoring is not None:
            self._used_seconds = self._use().used_seconds
        self._scoring, self._began_at, self._had_seconds = scoring, now, 0.0

    def _forget(self) -> None:
        """Say no more of a scoring that came back: whoever judges has had the time to hear of it."""
        self._at_work.hang = self._hung = None
        self._found_at = self._followed_at = NEVER

    def _count(self, elapsed: float) -> None:
        use = self._use()
        computed, self._used_seconds = use.used_seconds - self._used_seconds, use.used_seconds
        if elapsed <= 2 * TICK_SECONDS:
            self._had_seconds += min(elapsed, max(0.0, computed)) if use.wanted else elapsed

    def _found(self, scoring: Scoring, now: float) -> None:
        stage, prepared = scoring
        model, rows = stage.definition.name, len(prepared.matrix)
        reason = (
            f"hung: {rows} {'row' if rows == 1 else 'rows'} without scores after {self._had_seconds:.1f} s; "
            f"{HANG_SECONDS:g} s are allowed, and nobody was answered meanwhile"
        )
        self._hung, self._found_at, self._followed_at = scoring, now, NEVER
        self._at_work.hang = Hang(model, stage.version, reason)
        log.error("version_hung", model=model, version=stage.version, because=reason)
        # Apart, because the ledger may be away, and then it takes its time to say so.
        _aside(partial(self._told, model))

    def _is_time(self, scoring: Scoring, now: float) -> bool:
        stage, _ = scoring
        if self._followed_at == NEVER and self._follows(stage.definition.name, stage.plan_revision):
            self._followed_at = now
        return now - self._found_at >= GRACE_SECONDS or now - self._followed_at >= FOLLOW_SECONDS

    def _over(self, scoring: Scoring, now: float) -> None:
        stage, prepared = scoring
        reason = self._at_work.hung(stage.definition.name).get(stage.version, "hung")
        # Apart, because a disk may hang as well.
        _aside(partial(self._record, stage, prepared, reason, now - self._began_at)).join(RECORD_SECONDS)
        if self._at_work.scoring is not scoring:
            return
        log.error("gateway_ends", model=stage.definition.name, version=stage.version, means="another one starts")
        self._end()


def _aside(call: Callable[[], None]) -> threading.Thread:
    def made() -> None:
        with suppress(Exception):
            call()

    thread = threading.Thread(target=made, name="watchdog-aside", daemon=True)
    thread.start()
    return thread
