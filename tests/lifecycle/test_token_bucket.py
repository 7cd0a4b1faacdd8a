"""A rate limit allows its rate and its burst, and never more."""

from hypothesis import given
from hypothesis import strategies as st

from lifecycle.token_bucket import TokenBucket


@given(
    rate=st.floats(0.1, 1000),
    burst=st.integers(1, 100),
    steps=st.lists(st.floats(0, 5), min_size=1, max_size=200),
)
def test_never_more_than_the_burst_and_the_rate_together(rate: float, burst: int, steps: list[float]) -> None:
    """Over any stretch of time that begins with the bucket's own."""
    bucket, now, allowed = TokenBucket(rate, burst, 0.0), 0.0, 0
    for step in steps:
        now += step
        allowed += bucket.take(now) == 0.0
    assert allowed <= burst + rate * now + 1e-6


@given(rate=st.floats(0.1, 1000), burst=st.integers(1, 20))
def test_refusal_says_when_there_is_room_again(rate: float, burst: int) -> None:
    """A caller that waits as long as it was told gets in."""
    bucket = TokenBucket(rate, burst, 0.0)
    assert [bucket.take(0.0) for _ in range(burst)] == [0.0] * burst
    wait = bucket.take(0.0)
    assert wait > 0
    assert bucket.take(wait * 1.000001) == 0.0


def test_clock_that_goes_back_gives_nothing() -> None:
    """It counts from the latest moment it has seen."""
    bucket = TokenBucket(1.0, 1, 10.0)
    assert bucket.take(10.0) == 0.0
    assert bucket.take(5.0) == 1.0
    assert bucket.take(11.0) == 0.0
