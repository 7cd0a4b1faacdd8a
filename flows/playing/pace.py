"""Keeps a play from running away from `supervise`, which judges in another process."""

import time
from datetime import datetime, timedelta

from flows.playing.scene import Scene

LEAD = timedelta(hours=3)
"""How far the traffic may be ahead of what was judged while a version is on trial."""
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.1


class Pace:
    """Waits for `supervise` while a version is on trial; never for longer than its patience in a row.

    Supervise's mark in the ledger, `supervise:<model>`, says up to which moment it has judged.
    """

    def __init__(self, scene: Scene, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._scene = scene
        self._patience_seconds = patience_seconds
        self._patient = True
        self.waited_seconds = 0.0

    def keep(self, now: datetime) -> None:
        """Return once everything up to a little before `now` was judged, or nothing is on trial.

        When that takes too long it says so, once, and goes on without waiting until supervise has caught up.
        """
        plan = self._scene.plans.current(self._scene.model)
        if plan.shadow is None and plan.canary is None:
            return
        if self.wait_for(now - LEAD):
            self._patient = True
        elif self._patient:
            self._patient = False
            self._scene.terminal.print(
                f"  [yellow]supervise has judged up to {self._mark()}[/yellow], and it is {now:%d %b %H:%M} here; "
                f"after {self._patience_seconds:.0f} s the traffic goes on without it. Look at supervisor.log in the "
                "state folder's run/.",
                highlight=False,
            )

    def wait_for(self, moment: datetime) -> bool:
        """Return whether everything up to a moment was judged, having waited for it as long as patience lasts."""
        began = time.monotonic()
        patience = self._patience_seconds if self._patient else 0.0
        while not (judged := self._judged(moment)) and time.monotonic() - began < patience:
            time.sleep(LOOK_SECONDS)
        self.waited_seconds += time.monotonic() - began
        return judged

    @property
    def never_judged(self) -> bool:
        """Whether supervise has left no mark at all yet."""
        return self._scene.ledger.watermark(f"supervise:{self._scene.model}") is None

    def _judged(self, moment: datetime) -> bool:
        mark = self._scene.ledger.watermark(f"supervise:{self._scene.model}")
        return mark is not None and mark >= moment

    def _mark(self) -> str:
        mark = self._scene.ledger.watermark(f"supervise:{self._scene.model}")
        return "nothing yet" if mark is None else f"{mark:%d %b %H:%M}"
