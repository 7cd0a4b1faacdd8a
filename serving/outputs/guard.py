"""Stands beside one version in one arm: watches its answers, stops them at once, and tries the version again."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime

import numpy as np
import pyarrow as pa
import structlog

from lifecycle.breaker import Breaker, BreakerEvent, BreakerState
from lifecycle.output_window import OutputWindow, Shift
from lifecycle.outputs import OutputLimits, OutputsProfile, output_limits
from lifecycle.watching_policy import OutputsPolicy
from serving.outputs.opening import Guarded, Opening, newest

log = structlog.get_logger()


class Guard:
    """One version's answers in one arm, on this replica.

    All but `judge_by` and `end` is called on the event loop. Nothing here raises: whatever goes wrong, requests are
    answered. `monotonic` is in seconds, `now` is the machine's UTC time, `opened` is told of every opening.
    """

    def __init__(
        self,
        key: Guarded,
        policy: OutputsPolicy,
        *,
        replica: str,
        opened: Callable[[Opening], None],
        monotonic: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self.key = key
        self.policy = policy
        self.closed = True
        """Whether the version answers."""
        self.breaker = Breaker()
        self._replica = replica
        self._opened = opened
        self._monotonic = monotonic
        self._now = now
        self._profile: OutputsProfile | None = None
        self._limits: OutputLimits | None = None
        self._window: OutputWindow | None = None
        self._recent: deque[pa.RecordBatch] = deque()
        self._recent_rows = 0
        self._opening: Opening | None = None
        self._trying_since: float | None = None

    @property
    def judged(self) -> bool:
        """Whether there is a baseline to watch by."""
        return self._profile is not None

    def judge_by(self, profile: OutputsProfile | None, policy: OutputsPolicy) -> None:
        """Watch by a baseline and a policy from here on, with a new window; without a baseline nothing is watched."""
        self.policy, self._profile = policy, profile
        self._limits = None if profile is None else output_limits(profile, policy)
        self._window = None if self._limits is None else OutputWindow(self._limits)
        if profile is not None and self._limits is None:
            log.info("outputs_not_watched", **asdict(self.key), because=f"its baseline has {profile.rows} scores only")

    def follow(self, policy: OutputsPolicy) -> None:
        """Take over a changed policy."""
        if policy != self.policy:
            self.judge_by(self._profile, policy)

    def watch(self, example_ids: Sequence[str], scores: np.ndarray, logged: pa.RecordBatch) -> None:
        """Take answers that the version gave and that are in the log; stops the version when they are not its own."""
        window = self._window
        if window is None or not self.closed:
            return
        self._recent.append(logged)
        self._recent_rows += logged.num_rows
        while self._recent_rows - self._recent[0].num_rows >= self.policy.capture_rows:
            self._recent_rows -= self._recent.popleft().num_rows
        try:
            shift = window.add(example_ids, scores)
        except Exception:
            # The answers are given and logged; a watch that fails must not take them back.
            log.exception("outputs_not_watched", **asdict(self.key))
            self._window = None
            return
        if shift is not None:
            self._open(shift)

    def stood_in(self, logged: pa.RecordBatch) -> None:
        """Take rows that were answered in the version's place."""
        if self._opening is not None:
            self._opening.add(logged)

    def wants_trial(self) -> bool:
        """Return whether the version is to score the rows at hand behind the answer; then `tried` must follow."""
        now = self._monotonic()
        if self.breaker.cooled(now, self.policy.cool_down_seconds):
            self._move(BreakerEvent.COOLED)
            self._window = None if self._limits is None else OutputWindow(self._limits)
            self._trying_since = None
        if self.breaker.state is not BreakerState.HALF_OPEN:
            return False
        if self._window is None:
            # Its baseline or policy has changed, and nothing can be held against it any more.
            self._close()
            return False
        if self._trying_since is not None:
            if now - self._trying_since >= self.policy.cool_down_seconds:
                self._stop_again(f"it gave no answer within {self.policy.cool_down_seconds:g} s")
            return False
        self._trying_since = now
        return True

    def tried(self, example_ids: Sequence[str], scores: np.ndarray | None, failure: str = "") -> None:
        """Take what the version made of rows behind the answer: scores, or why there are none.

        A full window without a shift closes the breaker. Without scores and failure nothing is known.
        """
        self._trying_since = None
        window = self._window
        if self.breaker.state is not BreakerState.HALF_OPEN or window is None:
            return
        if scores is None:
            if failure:
                self._stop_again(failure)
            return
        shift = window.add(example_ids, scores)
        if shift is not None:
            self._stop_again(shift.reason)
        elif window.full:
            self._close()

    def end(self) -> None:
        """Say that this version is watched no more in this arm."""
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.closed_at = self._now()

    def trouble(self) -> str | None:
        """Return that the version's answers are stopped, and why; None while it answers."""
        breaker = self.breaker
        if breaker.state is BreakerState.CLOSED:
            return None
        return f"the answers of version {self.key.version} as {self.key.arm} are stopped: {breaker.reason}"

    def _open(self, shift: Shift) -> None:
        self._move(BreakerEvent.TRIPPED, shift.reason)
        # Room for as many rows after the moment as it took to see it.
        before = newest(self._recent, max(self.policy.capture_rows - shift.answers, shift.answers))
        evidence: dict[str, float | int | str] = dict(asdict(shift))
        opening = Opening(
            self.key, self._replica, shift.reason, evidence, self._now(), self.policy.capture_rows, before
        )
        self._recent.clear()
        self._recent_rows = 0
        self._opening = opening
        self._opened(opening)

    def _stop_again(self, reason: str) -> None:
        self._trying_since = None
        self._move(BreakerEvent.TRIPPED, reason)

    def _close(self) -> None:
        self._move(BreakerEvent.QUIET)
        self.end()

    def _move(self, event: BreakerEvent, reason: str = "") -> None:
        self.breaker = self.breaker.after(event, self._monotonic(), reason)
        self.closed = self.breaker.state is BreakerState.CLOSED
        log.warning("breaker", event_=str(event), state=str(self.breaker.state), because=reason, **asdict(self.key))
