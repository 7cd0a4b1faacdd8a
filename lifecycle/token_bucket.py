"""A rate limit with a burst: a bucket that fills steadily and is emptied request by request."""

from dataclasses import dataclass


@dataclass(slots=True)
class TokenBucket:
    """Holds at most `burst` tokens and gains `per_second`; it begins full. Times are monotonic seconds.

    https://en.wikipedia.org/wiki/Token_bucket
    """

    per_second: float
    burst: float
    at: float
    _tokens: float = -1.0

    def __post_init__(self) -> None:
        """Fill it."""
        if self._tokens < 0:
            self._tokens = self.burst

    def take(self, now: float) -> float:
        """Take a token and return 0.0, or return the seconds until there is one; a clock that stands still gives none.

        >>> bucket = TokenBucket(per_second=2, burst=1, at=0.0)
        >>> bucket.take(0.0), bucket.take(0.0), bucket.take(0.5)
        (0.0, 0.5, 0.0)
        """
        tokens = min(self.burst, self._tokens + max(0.0, now - self.at) * self.per_second)
        self.at = max(self.at, now)
        if tokens >= 1.0:
            self._tokens = tokens - 1.0
            return 0.0
        self._tokens = tokens
        return (1.0 - tokens) / self.per_second

    def resized(self, per_second: float, burst: float) -> "TokenBucket":
        """Return a bucket of another size that is as full as this one.

        >>> bucket = TokenBucket(per_second=2, burst=4, at=0.0)
        >>> _ = bucket.take(0.0)
        >>> bucket.resized(per_second=4, burst=8).whole_tokens()
        6
        """
        return TokenBucket(per_second, burst, self.at, self._tokens * burst / self.burst)

    def whole_tokens(self) -> int:
        """Return how many requests may come at once, as of the last one."""
        return int(self._tokens)
