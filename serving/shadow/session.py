"""The time of one shadow process: batches out, messages in, and what ends it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import pyarrow as pa

from lifecycle.rollout_policy import ShadowPolicy
from serving.shadow.child import Child
from serving.shadow.frames import EXHAUSTED, Ack, Exhausted, Message, Ready, Refused
from serving.shadow.mirror import Mirror
from serving.shadow.tally import Tally

AHEAD = 32
"""Batches that may be on their way to the child, so that it need not wait for the keeper between two."""
SAMPLE_SECONDS = 0.1
START_SECONDS = 60.0
"""A version that has not loaded and proven itself after so long, apart from waiting for a core, hangs."""


@dataclass(frozen=True)
class Ended:
    """Why a process is over; `version_failed` tells the version's fault from the machine's."""

    reason: str
    version_failed: bool


class Session:
    """Feeds and watches a child; `tick` is to be called every few milliseconds. `monotonic` is in seconds.

    `ready` says whether the child has loaded and proven its version.
    """

    def __init__(
        self, child: Child, mirror: Mirror, tally: Tally, limits: ShadowPolicy, monotonic: Callable[[], float]
    ) -> None:
        self._child = child
        self._mirror = mirror
        self._tally = tally
        self._limits = limits
        self._monotonic = monotonic
        self.ready = False
        self._refused: Ended | None = None
        self._sent: deque[pa.RecordBatch] = deque()
        self._since = self._sampled_at = monotonic()
        self._memory_mb = self._had_seconds = self._used_seconds = 0.0

    def tick(self) -> Ended | None:
        """Move what can be moved; return why the child is over or must be ended, or None."""
        # Asked first, so that what it said before it ended is still heard.
        code = self._child.exit_code()
        self.hear()
        if self._refused is not None:
            return self._refused
        if code is not None:
            if code == EXHAUSTED or self._child.was_killed_for_memory():
                return self._out_of_memory()
            return Ended(f"{self._child.how_it_ended()}{self._at_work()}", version_failed=True)
        if self.ready:
            self._feed()
        self._child.pump()
        self._sample()
        return self._over_memory() or self._hangs()

    def hear(self) -> None:
        """Count what the child says it has done."""
        for message in self._messages():
            if isinstance(message, Refused):
                said = "could not be loaded: " if message.version_failed else "cannot work here: "
                self._refused = Ended(said + message.reason, message.version_failed)
            elif isinstance(message, Exhausted):
                self._holds(message.memory_mb)
                self._refused = self._out_of_memory()
            elif isinstance(message, Ready):
                self.ready = True
            elif self._sent:
                self._sent.popleft()
                self._tally.add(message)
            if isinstance(message, Ready | Ack):
                self._holds(message.memory_mb)
            self._begin_waiting()

    def in_work(self) -> pa.RecordBatch | None:
        """Return the batch the child is at, or None; it works on them in the order they were sent."""
        return self._sent[0] if self._sent else None

    def seconds_in_work(self) -> float:
        """Return how long it has been at that batch."""
        return self._monotonic() - self._since

    def sent_rows(self) -> int:
        """Return the rows that are with the child."""
        return sum(batch.num_rows for batch in self._sent)

    def _messages(self) -> list[Message]:
        try:
            return self._child.messages()
        except msgspec.MsgspecError as error:
            self._refused = Ended(f"wrote into its keeper's pipe what is no message: {error}", version_failed=True)
            return []

    def _feed(self) -> None:
        if not self._sent:
            self._begin_waiting()
        while len(self._sent) < AHEAD and (batch := self._mirror.take()) is not None:
            self._sent.append(batch)
            self._child.send(batch)

    def _begin_waiting(self) -> None:
        self._since, self._had_seconds = self._monotonic(), 0.0

    def _holds(self, memory_mb: float) -> None:
        self._memory_mb = max(self._memory_mb, memory_mb)
        self._tally.memory_mb = max(self._tally.memory_mb, memory_mb)

    def _sample(self) -> None:
        now = self._monotonic()
        if now - self._sampled_at < SAMPLE_SECONDS:
            return
        self._holds(self._child.memory_mb())
        if self._sent or not self.ready:
            use = self._child.core_use()
            elapsed = now - max(self._sampled_at, self._since)
            # At the lowest priority it may wait long for a core, and that time it did not have.
            self._had_seconds += (
                min(elapsed, max(0.0, use.used_seconds - self._used_seconds)) if use.wanted else elapsed
            )
            self._used_seconds = use.used_seconds
        self._sampled_at = now

    def _over_memory(self) -> Ended | None:
        held, limit = self._memory_mb, self._limits.memory_limit_mb
        if held <= limit:
            return None
        reason = f"took {held:.0f} MB of memory; memory_limit_mb allows {limit:g}{self._at_work()}"
        return Ended(reason, version_failed=True)

    def _out_of_memory(self) -> Ended:
        limit = self._limits.memory_limit_mb
        reason = (
            f"was given no more memory by the system at {self._memory_mb:.0f} MB of memory; memory_limit_mb allows "
            f"{limit:g}, of which not all can be used{self._at_work()}"
        )
        return Ended(reason, version_failed=True)

    def _hangs(self) -> Ended | None:
        """Judge by the time the child had, which may be much less than what passed."""
        limit = self._limits.batch_deadline_ms / 1000 if self.ready else START_SECONDS
        had = self._had_seconds
        if had <= limit or (self.ready and not self._sent):
            return None
        if self.ready:
            reason = f"hung: no answer after {had * 1000:.0f} ms; batch_deadline_ms allows {limit * 1000:g}"
        else:
            reason = f"could not be loaded: it was not ready after {had:.0f} s; allowed: {limit:g} s"
        return Ended(reason + self._at_work(), version_failed=True)

    def _at_work(self) -> str:
        batch = self.in_work()
        if batch is not None:
            return f", while it worked on {batch.num_rows} rows"
        return "" if self.ready else ", before it was ready"
