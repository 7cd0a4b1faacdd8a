"""Work that must not hold up a tick: on a thread of its own, never twice at once."""

import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger()


class Background:
    """Runs `act` when it is due, and every so many seconds anyway; after an error, which is logged once, too."""

    def __init__(self, name: str, act: Callable[[], object], every_seconds: float) -> None:
        self._name = name
        self._act = act
        self._every = every_seconds
        self._due = False
        self._began_at = float("-inf")
        self._thread: threading.Thread | None = None
        self._said = ""

    def heed(self, *, due: bool = False) -> bool:
        """Return whether a run was begun now; returns at once. What falls due during a run is done after it."""
        self._due = self._due or due
        if self._thread is not None and self._thread.is_alive():
            return False
        if not self._due and time.monotonic() - self._began_at < self._every:
            return False
        self._due, self._began_at = False, time.monotonic()
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()
        return True

    def wait(self, seconds: float) -> None:
        """Wait for a run that is under way, at most so long."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._act()
        except Exception as error:  # noqa: BLE001 - whatever a stranger's version or a server does, the next run tries again
            told = f"{type(error).__name__}: {error}"
            if told != self._said:
                log.warning("background_work_failed", work=self._name, because=told)
            self._said = told
        else:
            self._said = ""
