"""Keeps one model's shadow process: starts it, feeds it, and starts it again when it had to be ended."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from lifecycle.errors import HoldfastError
from lifecycle.policy import Policy
from serving.children.complaints import Complaints
from serving.parts import Log
from serving.prediction_ids import PredictionIds
from serving.shadow.attempts import all_failed
from serving.shadow.child import Child
from serving.shadow.mirror import Mirror
from serving.shadow.session import Ended, Session
from serving.shadow.shadow_rows import ShadowVersion
from serving.shadow.tally import Tally

log = structlog.get_logger()

TICK_SECONDS = 0.005
FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 1.0, 30.0
STEADY_SECONDS = 60.0
"""A process that ran so long is started again after the shortest pause."""
FINISH_SECONDS = 2.0
"""What a shadow that is to end may take to log and ship what it was given."""


@dataclass(frozen=True)
class Charge:
    """The version to be kept in shadow, since which plan revision, by which policy, and with which command."""

    model: str
    since_revision: int
    version: ShadowVersion
    policy: Policy
    command: Sequence[str]


class Keeper:
    """A thread that keeps a process for `charge` until `end`; it logs the failed attempts of dead ones itself.

    `refused` is why the version cannot stand here at all: then no process is started, and every row is dropped.
    """

    def __init__(self, charge: Charge, prediction_log: Log, refused: str = "") -> None:
        self.charge = charge
        self.mirror = Mirror(0 if refused else charge.policy.rollout.shadow.queue_batches)
        self._prediction_log = prediction_log
        self._refused = refused
        self._tally = Tally(trouble=self._sentence(refused) if refused else "")
        self._ids = PredictionIds(time.time)
        self._session: Session | None = None
        self._counting = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"shadow-{charge.model}", daemon=True)

    def start(self) -> None:
        """Begin in the background."""
        self._thread.start()

    def end(self) -> None:
        """Ask the process to end; returns at once."""
        self.mirror.close()
        self._ending.set()

    def join(self, seconds: float) -> bool:
        """Wait until the process is gone; return whether it is."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def report(self) -> Mapping[str, float | int | str]:
        """Return the figures of all its processes together."""
        with self._counting:
            self._tally.dropped += self.mirror.take_overflow()
            sent = 0 if self._session is None else self._session.sent_rows()
            figures = self._tally.report(sent + self.mirror.waiting_rows())
        version = self.charge.version.task.version
        return {"version": version, "since_revision": self.charge.since_revision, **figures}

    def _run(self) -> None:
        backoff = FIRST_BACKOFF_SECONDS
        while not self._refused and not self._ending.is_set():
            began = time.monotonic()
            try:
                self._keep_one()
            except Exception:
                # This thread must outlive whatever happens to one process.
                log.exception("shadow_keeper_failed", **self._names())
            if time.monotonic() - began > STEADY_SECONDS:
                backoff = FIRST_BACKOFF_SECONDS
            self._ending.wait(backoff)
            backoff = min(2 * backoff, LONGEST_BACKOFF_SECONDS)
        self._ending.wait()
        with self._counting:
            self._tally.dropped += self.mirror.clear()

    def _keep_one(self) -> None:
        try:
            child = Child(self.charge.command, self.charge.model, self.charge.version.task)
        except OSError as error:
            log.warning("shadow_not_started", **self._names(), error=str(error))
            return
        complaints = Complaints(child.stderr, "shadow", self._names())
        session = Session(child, self.mirror, self._tally, self.charge.policy.rollout.shadow, time.monotonic)
        self._session = session
        ended: Ended | None = None
        try:
            while ended is None and not self._ending.wait(TICK_SECONDS):
                with self._counting:
                    ended = session.tick()
                complaints.pass_on()
            if ended is None and session.ready:
                self._let_finish(child, session)
        finally:
            child.kill()
            complaints.pass_on()
            if ended is not None and (child.exit_code() or 0) > 0:
                ended = replace(ended, reason=ended.reason + complaints.last_words())
            with self._counting:
                session.hear()
                self._settle(session, ended)
            child.close()

    def _let_finish(self, child: Child, session: Session) -> None:
        until = time.monotonic() + FINISH_SECONDS
        child.close_input()
        while child.exit_code() is None and time.monotonic() < until:
            time.sleep(TICK_SECONDS)
            with self._counting:
                session.hear()

    def _settle(self, session: Session, ended: Ended | None) -> None:
        """Account for what was with a process that is gone; without `ended` it was asked to go."""
        lost = session.sent_rows()
        self._session = None
        if ended is not None:
            log.warning("shadow_ended", **self._names(), reason=ended.reason, version_failed=ended.version_failed)
        if ended is not None and ended.version_failed:
            self._tally.crashes += 1
            self._tally.trouble = self._sentence(ended.reason)
            failed = self._log_failed(session, ended)
            self._tally.failed += failed
            lost += self.mirror.clear() - failed
        self._tally.dropped += lost

    def _log_failed(self, session: Session, ended: Ended) -> int:
        """Log the batch the process died at as failed attempts; return the rows that are on record."""
        batch = session.in_work()
        if batch is None:
            return 0
        attempts = all_failed(batch.num_rows, f"the shadow's process {ended.reason}", session.seconds_in_work())
        rows = self.charge.version.rows(batch, attempts, self._ids.take(batch.num_rows), time.time())
        try:
            self._prediction_log.append(rows)
        except (HoldfastError, OSError) as error:
            log.warning("shadow_rows_not_logged", **self._names(), rows=batch.num_rows, error=str(error))
            return 0
        return int(batch.num_rows)

    def _sentence(self, reason: str) -> str:
        return f"the shadow of version {self.charge.version.task.version} of {self.charge.model} {reason}"

    def _names(self) -> dict[str, str]:
        task = self.charge.version.task
        return {"model": self.charge.model, "version": task.version, "replica": task.replica}
