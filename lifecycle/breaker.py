"""A breaker: whether a version's answers are given, and when it is tried again after they were stopped."""

from dataclasses import dataclass
from enum import StrEnum

from lifecycle.errors import TransitionRefused


class BreakerState(StrEnum):
    """Who answers."""

    CLOSED = "closed"
    """The version."""
    OPEN = "open"
    """What stands in for it; the version is not asked."""
    HALF_OPEN = "half-open"
    """What stands in for it, while the version is tried behind the answers."""


class BreakerEvent(StrEnum):
    """What can happen to a breaker."""

    TRIPPED = "tripped"
    """The version does what it must not."""
    COOLED = "cooled"
    """The cool-down is over."""
    QUIET = "quiet"
    """Tried again, the version did nothing wrong."""


TRANSITIONS = {
    (BreakerState.CLOSED, BreakerEvent.TRIPPED): BreakerState.OPEN,
    (BreakerState.OPEN, BreakerEvent.COOLED): BreakerState.HALF_OPEN,
    (BreakerState.HALF_OPEN, BreakerEvent.TRIPPED): BreakerState.OPEN,
    (BreakerState.HALF_OPEN, BreakerEvent.QUIET): BreakerState.CLOSED,
}


@dataclass(frozen=True)
class Breaker:
    """One state since a moment in seconds; `reason` is what tripped it last, "" while nothing has.

    `tripped` counts how often it opened since it was last closed.
    """

    state: BreakerState = BreakerState.CLOSED
    since: float = 0.0
    reason: str = ""
    tripped: int = 0

    def after(self, event: BreakerEvent, now: float, reason: str = "") -> "Breaker":
        """Return the breaker that follows; raises TransitionRefused for an event that this state does not know.

        >>> Breaker().after(BreakerEvent.TRIPPED, 5.0, "all answers are 0.5").state.value
        'open'
        """
        state = TRANSITIONS.get((self.state, event))
        if state is None:
            known = ", ".join(one for at, one in TRANSITIONS if at is self.state)
            raise TransitionRefused(f"a breaker that is {self.state} was {event}; allowed: {known}")
        if state is BreakerState.CLOSED:
            return Breaker(state, now)
        if event is BreakerEvent.TRIPPED:
            return Breaker(state, now, reason, self.tripped + 1)
        return Breaker(state, now, self.reason, self.tripped)

    def cooled(self, now: float, cool_down_seconds: float) -> bool:
        """Return whether it is open, and has been for long enough to try the version again."""
        return self.state is BreakerState.OPEN and now - self.since >= cool_down_seconds
