"""Keeps one isolated version's process: starts it, and starts it again when it is lost."""

import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from lifecycle.errors import ArtifactInvalid, Unavailable
from serving.isolation.apart import Apart
from serving.isolation.calls import Closed, Outcome, Task, TooLate

log = structlog.get_logger()

COMMAND = (sys.executable, "-m", "serving.isolation.process")
START_SECONDS = 60.0
"""A version that has not loaded and proven itself after so long hangs."""
LOOK_SECONDS = 0.1
FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 0.2, 30.0
STEADY_SECONDS = 60.0
"""A process that ran so long is started again after the shortest pause."""
LAST_WORD_SECONDS = 0.2
"""How long a process whose pipe has closed may take to be gone, so that it can be said how."""


@dataclass(frozen=True)
class Charge:
    """The version to be kept, and with which command."""

    model: str
    version: str
    task: Task
    command: Sequence[str] = COMMAND


class Keeping:
    """A thread that keeps a process for `charge` from `start` to `end`.

    `current` is the process that can be called, None while there is none; `trouble` says why the last one is gone.
    `calling` is held while it is called.
    """

    def __init__(self, charge: Charge) -> None:
        self.charge = charge
        self.calling = threading.Lock()
        self.current: Apart | None = None
        self.trouble = ""
        self.losses = 0
        self._refused: ArtifactInvalid | Unavailable | None = None
        self._begun = threading.Event()
        self._woken = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"isolated-{charge.model}", daemon=True)

    def start(self) -> None:
        """Begin, and wait until the version stands.

        Raises ArtifactInvalid when it does not, and Unavailable when that is not its fault.
        """
        self._thread.start()
        self._begun.wait()
        if self._refused is not None:
            self.end()
            raise self._refused

    def end(self) -> None:
        """End the process and keep no other; returns at once."""
        self._ending.set()
        self._woken.set()

    def lose(self, apart: Apart, reason: str) -> None:
        """Call a process no more, and have it ended and replaced; `calling` is held."""
        if self.current is apart:
            self.current, self.trouble = None, reason
            self.losses += 1
            log.warning("isolated_lost", **self._names(), reason=reason)
            self._woken.set()

    def how_it_ended(self, apart: Apart) -> str:
        """Return what became of a process whose pipe has closed."""
        return apart.how_it_ended() if apart.wait(LAST_WORD_SECONDS) else "closed its pipe"

    def _run(self) -> None:
        backoff = FIRST_BACKOFF_SECONDS
        while not self._ending.is_set():
            began = time.monotonic()
            try:
                self._keep_one()
            except Exception:
                # This thread must outlive whatever happens to one process.
                log.exception("isolated_keeping_failed", **self._names())
            if not self._begun.is_set():
                self._refused = self._refused or Unavailable(f"the process of {self._who()} could not be started")
                self._begun.set()
            if self._refused is not None:
                return
            if time.monotonic() - began > STEADY_SECONDS:
                backoff = FIRST_BACKOFF_SECONDS
            self._ending.wait(backoff)
            backoff = min(2 * backoff, LONGEST_BACKOFF_SECONDS)

    def _keep_one(self) -> None:
        self._woken.clear()
        try:
            apart = Apart(self.charge.command, self.charge.model, self.charge.version, self.charge.task)
        except OSError as error:
            self._not_standing(Unavailable(f"no process can be started for {self._who()}: {error}"))
            return
        try:
            refused = self._refusal(apart)
            if refused is not None:
                self._not_standing(refused)
                return
            log.info("isolated_stands", **self._names(), pid=apart.pid)
            self.current = apart
            self._begun.set()
            # Both, because who ends it may have woken this thread before it began to wait.
            while not self._woken.wait(LOOK_SECONDS) and not self._ending.is_set():
                self._look(apart)
        finally:
            self.current = None
            apart.kill()
            apart.close()

    def _look(self, apart: Apart) -> None:
        """Find a process that died between two calls."""
        # Somebody who calls it finds out by himself.
        if apart.wait(0) and self.calling.acquire(blocking=False):
            try:
                self.lose(apart, self.how_it_ended(apart))
            finally:
                self.calling.release()

    def _refusal(self, apart: Apart) -> ArtifactInvalid | Unavailable | None:
        """Return why a process that was just started does not stand, None when it does."""
        try:
            answer = apart.loaded(time.monotonic() + START_SECONDS)
        except TooLate:
            return ArtifactInvalid(f"{self._who()} was not ready in its own process after {START_SECONDS:g} s")
        except Closed:
            return ArtifactInvalid(f"the process of {self._who()} {self.how_it_ended(apart)} before it was ready")
        if answer.outcome is Outcome.SCORED:
            return None
        if answer.outcome is Outcome.EXHAUSTED:
            return ArtifactInvalid(f"{self._who()} {exhausted(answer.reason(), self.charge.task.memory_mb)}")
        kind = Unavailable if answer.outcome is Outcome.ELSEWHERE else ArtifactInvalid
        return kind(answer.reason())

    def _not_standing(self, refused: ArtifactInvalid | Unavailable) -> None:
        self.trouble = str(refused)
        if not self._begun.is_set():
            self._refused = refused
            self._begun.set()
        else:
            log.warning("isolated_not_started", **self._names(), reason=str(refused))

    def _who(self) -> str:
        return f"version {self.charge.version} of {self.charge.model}"

    def _names(self) -> dict[str, str]:
        return {"model": self.charge.model, "version": self.charge.version}


def exhausted(held_mb: str, allowed_mb: float) -> str:
    """Return what happened to a process that ran out of memory."""
    return (
        f"was given no more memory by the system at {held_mb} MB of memory; memory_mb allows {allowed_mb:g}, of which "
        "not all can be used"
    )


def ended(keeping: Keeping) -> None:
    """End a process that nobody can call any more."""
    with suppress(Exception):
        keeping.end()
