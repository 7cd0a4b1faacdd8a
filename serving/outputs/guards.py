"""The guards of one gateway replica, kept over plans and policies, and the thread that does their slow work."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

import structlog

from lifecycle.profile import Profile
from lifecycle.watching_policy import OutputsPolicy
from serving.outputs.capturing import Capturing
from serving.outputs.guard import Guard
from serving.outputs.opening import Guarded

log = structlog.get_logger()

TICK_SECONDS = 0.5


@dataclass
class Guards:
    """Makes a guard for whatever answers, finds its baseline, and stores its openings.

    `baseline_of` may be slow; it is asked on this thread alone. `monotonic` is in seconds, `now` the machine's time.
    """

    baseline_of: Callable[[str, str], Profile | None]
    capturing: Capturing
    replica: str
    now: Callable[[], datetime]
    monotonic: Callable[[], float] = time.monotonic
    tick_seconds: float = TICK_SECONDS
    _guards: dict[Guarded, Guard] = field(default_factory=dict)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def of(self, key: Guarded, policy: OutputsPolicy) -> Guard:
        """Return the guard of a version in an arm: the one that stands, following the policy, or a new one."""
        guard = self._guards.get(key)
        if guard is None:
            guard = Guard(
                key,
                policy,
                replica=self.replica,
                opened=self.capturing.offer,
                monotonic=self.monotonic,
                now=self.now,
            )
            self._guards = {**self._guards, key: guard}
        else:
            guard.follow(policy)
        return guard

    def keep(self, model: str, keys: Collection[Guarded]) -> None:
        """End the guards of a model but for these."""
        gone = [key for key in self._guards if key.model == model and key not in keys]
        ended = [self._guards[key] for key in gone]
        self._guards = {key: guard for key, guard in self._guards.items() if key not in gone}
        for guard in ended:
            guard.end()

    def trouble(self, model: str) -> str | None:
        """Return whose answers of a model are stopped here, and why; None when nobody's are."""
        found = [guard.trouble() for key, guard in self._guards.items() if key.model == model]
        return "; ".join(one for one in found if one is not None) or None

    def is_stopped(self, model: str, version: str) -> bool:
        """Return whether a version's answers are stopped here, in any arm."""
        guards = tuple(self._guards.items())
        return any(not guard.closed for key, guard in guards if (key.model, key.version) == (model, version))

    def open_breakers(self) -> Iterator[tuple[Mapping[str, str], float]]:
        """Yield model, version and arm of every guard, with 1 while the version is stopped and 0 while it answers."""
        for key, guard in tuple(self._guards.items()):
            yield asdict(key), float(not guard.closed)

    def tick(self) -> None:
        """Look for missing baselines, and store what happened."""
        for key, guard in tuple(self._guards.items()):
            if guard.judged:
                continue
            profile = self.baseline_of(key.model, key.version)
            if profile is not None and profile.outputs is not None:
                guard.judge_by(profile.outputs, guard.policy)
        self.capturing.flush()

    def start(self) -> None:
        """Tick in the background."""
        self._thread = threading.Thread(target=self._run, name="outputs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; openings that stand are closed, as nobody is answered here any more, and stored."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        for guard in self._guards.values():
            guard.end()
        self._tick_safely()

    def _run(self) -> None:
        while not self._stopped.wait(self.tick_seconds):
            self._tick_safely()

    def _tick_safely(self) -> None:
        try:
            self.tick()
        except Exception:
            # Without this thread no opening would be kept; it must outlive anything.
            log.exception("outputs_tick_failed", replica=self.replica)
