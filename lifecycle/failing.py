"""Whether something that failed again and again is asked: the breaker of a version, or of a store."""

from dataclasses import dataclass, field

from lifecycle.breaker import Breaker, BreakerEvent, BreakerState


@dataclass(frozen=True)
class Failing:
    """A breaker with the failures in a row that lead to it; times are seconds of one clock.

    While it is half-open one call at a time tries whether it works again.
    """

    breaker: Breaker = field(default_factory=Breaker)
    in_a_row: int = 0
    trying: bool = False

    def asked(self, now: float, cool_down_seconds: float) -> tuple["Failing", bool]:
        """Return what follows when somebody wants to ask, and whether they may."""
        state = self.breaker.state
        if state is BreakerState.CLOSED:
            return self, True
        if self.breaker.cooled(now, cool_down_seconds):
            return Failing(self.breaker.after(BreakerEvent.COOLED, now), self.in_a_row, trying=True), True
        if state is BreakerState.HALF_OPEN and not self.trying:
            return Failing(self.breaker, self.in_a_row, trying=True), True
        return self, False

    def worked(self, now: float) -> "Failing":
        """Return what follows when a call worked."""
        if self.breaker.state is BreakerState.HALF_OPEN:
            return Failing(self.breaker.after(BreakerEvent.QUIET, now))
        # One that was asked before it opened and came back after says nothing about now.
        return Failing(self.breaker) if self.breaker.state is BreakerState.CLOSED else self

    def failed(self, now: float, reason: str, failures: int) -> "Failing":
        """Return what follows when a call failed; `failures` in a row open it.

        >>> Failing().failed(1.0, "late", 2).failed(2.0, "late", 2).breaker.state.value
        'open'
        """
        in_a_row = self.in_a_row + 1
        state = self.breaker.state
        if state is BreakerState.OPEN or (state is BreakerState.CLOSED and in_a_row < failures):
            return Failing(self.breaker, in_a_row)
        return Failing(self.breaker.after(BreakerEvent.TRIPPED, now, reason), in_a_row)

    def nothing_learned(self) -> "Failing":
        """Return what follows when a call that tried it came to no result of its own."""
        return Failing(self.breaker, self.in_a_row)
