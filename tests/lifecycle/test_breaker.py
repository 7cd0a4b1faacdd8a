"""The states of a breaker, all of them, and every event in each."""

from itertools import product

import pytest

from lifecycle.breaker import TRANSITIONS, Breaker, BreakerEvent, BreakerState
from lifecycle.errors import TransitionRefused

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
TRIPPED, COOLED, QUIET = BreakerEvent.TRIPPED, BreakerEvent.COOLED, BreakerEvent.QUIET
TABLE = {
    (CLOSED, TRIPPED): OPEN,
    (CLOSED, COOLED): None,
    (CLOSED, QUIET): None,
    (OPEN, TRIPPED): None,
    (OPEN, COOLED): HALF_OPEN,
    (OPEN, QUIET): None,
    (HALF_OPEN, TRIPPED): OPEN,
    (HALF_OPEN, COOLED): None,
    (HALF_OPEN, QUIET): CLOSED,
}


@pytest.mark.parametrize(("state", "event"), list(product(BreakerState, BreakerEvent)))
def test_every_event_in_every_state(state: BreakerState, event: BreakerEvent) -> None:
    """What is not listed is refused, and the message says what is."""
    wanted = TABLE[state, event]
    breaker = Breaker(state, since=1.0)
    if wanted is None:
        with pytest.raises(TransitionRefused, match=f"{state} was {event}"):
            breaker.after(event, 2.0)
    else:
        assert breaker.after(event, 2.0, "why").state is wanted
    assert (state, event) in TRANSITIONS if wanted else (state, event) not in TRANSITIONS


def test_reason_stays_until_the_version_is_trusted_again() -> None:
    """Who looks while the version is tried still sees why it was stopped, and how often."""
    opened = Breaker().after(TRIPPED, 10.0, "all answers are 0.5")
    tried = opened.after(COOLED, 70.0)
    assert (tried.reason, tried.tripped, tried.since) == ("all answers are 0.5", 1, 70.0)
    again = tried.after(TRIPPED, 75.0, "still 0.5")
    assert (again.reason, again.tripped) == ("still 0.5", 2)
    closed = again.after(COOLED, 140.0).after(QUIET, 150.0)
    assert (closed.state, closed.reason, closed.tripped) == (CLOSED, "", 0)


@pytest.mark.parametrize(("state", "at", "cooled"), [(OPEN, 69.9, False), (OPEN, 70.0, True), (CLOSED, 99.0, False)])
def test_cool_down_counts_from_the_opening(state: BreakerState, at: float, cooled: bool) -> None:  # noqa: FBT001 - a table
    """Only an open breaker cools."""
    assert Breaker(state, since=10.0).cooled(at, 60.0) is cooled
