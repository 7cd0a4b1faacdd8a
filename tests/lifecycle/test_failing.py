"""When something that fails is not asked any more."""

from hypothesis import given
from hypothesis import strategies as st

from lifecycle.breaker import BreakerState
from lifecycle.failing import Failing

COOL = 5.0


def test_failures_in_a_row_open_it_and_one_success_between_them_does_not() -> None:
    """Three are allowed here."""
    failing = Failing().failed(1.0, "a", 3).failed(2.0, "b", 3).worked(3.0).failed(4.0, "c", 3).failed(5.0, "d", 3)
    assert failing.breaker.state is BreakerState.CLOSED
    failing = failing.failed(6.0, "e", 3)
    assert (failing.breaker.state, failing.breaker.reason) == (BreakerState.OPEN, "e")


def test_after_the_cool_down_one_call_at_a_time_tries_it() -> None:
    """Others are not let in meanwhile; a success closes it, a failure opens it anew."""
    opened = Failing().failed(0.0, "x", 1)
    assert opened.asked(4.9, COOL) == (opened, False)
    trying, allowed = opened.asked(5.0, COOL)
    assert allowed
    assert trying.asked(5.1, COOL) == (trying, False)
    assert trying.worked(5.2) == Failing(trying.worked(5.2).breaker)
    assert trying.worked(5.2).breaker.state is BreakerState.CLOSED
    again = trying.failed(5.3, "y", 1)
    assert again.breaker.state is BreakerState.OPEN
    assert again.asked(10.2, COOL) == (again, False)
    assert again.asked(10.3, COOL)[1]


def test_try_that_came_to_nothing_leaves_room_for_the_next() -> None:
    """As when the features could not be read."""
    trying, _ = Failing().failed(0.0, "x", 1).asked(5.0, COOL)
    assert trying.nothing_learned().asked(5.1, COOL)[1]


def test_late_success_of_an_earlier_call_does_not_close_it() -> None:
    """What was asked before it opened says nothing about now."""
    opened = Failing().failed(0.0, "x", 1)
    assert opened.worked(0.1).breaker.state is BreakerState.OPEN


@given(st.lists(st.sampled_from(["ask", "worked", "failed", "nothing"]), max_size=60), st.integers(1, 4))
def test_no_order_of_events_is_refused_and_what_works_is_asked_again(events: list[str], failures: int) -> None:
    """Whatever happened, after a cool-down and a success everything is as new."""
    failing, now = Failing(), 0.0
    for event in events:
        now += 1.0
        match event:
            case "ask":
                failing, _ = failing.asked(now, COOL)
            case "worked":
                failing = failing.worked(now)
            case "failed":
                failing = failing.failed(now, "x", failures)
            case "nothing":
                failing = failing.nothing_learned()
    failing, allowed = failing.nothing_learned().asked(now + COOL, COOL)
    assert allowed
    assert failing.worked(now + COOL).breaker.state is BreakerState.CLOSED
