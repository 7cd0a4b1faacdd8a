"""The last answers of a version: running sums over them, and whether they still are the baseline's."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lifecycle.outputs import Array, OutputLimits, log_odds, spread_of


@dataclass(frozen=True)
class Shift:
    """Which of a window's figures left its limits, all in log-odds; `answers` is the window's length."""

    statistic: Literal["mean", "spread", "jump"]
    value: float
    low: float
    high: float
    answers: int

    @property
    def reason(self) -> str:
        """The shift in one sentence, the mean as a probability."""
        if self.statistic == "mean":
            value, low, high = (1.0 / (1.0 + math.exp(-one)) for one in (self.value, self.low, self.high))
            return (
                f"the last {self.answers} scores have their middle at {value:.3f}; "
                f"by the baseline it lies between {low:.3f} and {high:.3f}"
            )
        if self.statistic == "jump":
            return (
                f"the middle of the last {self.answers} scores moved by {self.value:+.3f} in log-odds from that of as "
                f"many before; by the baseline it moves between {self.low:+.3f} and {self.high:+.3f}"
            )
        return (
            f"the last {self.answers} scores spread over {self.value:.3f} in log-odds; "
            f"by the baseline it is between {self.low:.3f} and {self.high:.3f}"
        )


class OutputWindow:
    """The newest answers, at least `limits.window_answers` of them once it is full, and as many before them.

    Batches stay whole, so that it is at most one batch longer.
    An example counts once while it is in the window, so that a request that is repeated, however often, says nothing.
    """

    def __init__(self, limits: OutputLimits) -> None:
        self.limits = limits
        self._batches: deque[tuple[set[str], float, float]] = deque()
        self._seen: set[str] = set()
        self._sum = 0.0
        self._squares = 0.0
        self._before: deque[tuple[int, float]] = deque()
        self._before_count = 0
        self._before_sum = 0.0

    @property
    def full(self) -> bool:
        """Whether there are enough answers to say anything."""
        return len(self._seen) >= self.limits.window_answers

    def add(self, example_ids: Sequence[str], scores: Array) -> Shift | None:
        """Take a batch of answers, (n_rows,) probabilities, and return what is wrong with the window, None if nothing.

        A window that is not full is never wrong.
        """
        fresh = set(example_ids)
        if len(fresh) != len(example_ids) or not self._seen.isdisjoint(fresh):
            first = {example: row for row, example in reversed(list(enumerate(example_ids)))}
            fresh -= self._seen
            scores = scores[sorted(first[example] for example in fresh)]
        if not fresh:
            return None
        values = log_odds(scores, self.limits.low, self.limits.high)
        self._push(fresh, float(values.sum()), float(values @ values))
        return self._judge() if self.full else None

    def _push(self, fresh: set[str], total: float, squares: float) -> None:
        self._batches.append((fresh, total, squares))
        self._seen |= fresh
        self._sum += total
        self._squares += squares
        while len(self._seen) - len(self._batches[0][0]) >= self.limits.window_answers:
            old, old_total, old_squares = self._batches.popleft()
            self._seen -= old
            self._sum -= old_total
            self._squares -= old_squares
            self._remember(len(old), old_total)

    def _remember(self, count: int, total: float) -> None:
        """Take what has left the window into the one before it."""
        self._before.append((count, total))
        self._before_count += count
        self._before_sum += total
        while self._before_count - self._before[0][0] >= self.limits.window_answers:
            old_count, old_total = self._before.popleft()
            self._before_count -= old_count
            self._before_sum -= old_total

    def _judge(self) -> Shift | None:
        limits, answers = self.limits, len(self._seen)
        mean = self._sum / answers
        if not limits.mean_low <= mean <= limits.mean_high:
            return Shift("mean", mean, limits.mean_low, limits.mean_high, answers)
        spread = spread_of(mean, self._squares / answers)
        if not limits.spread_low <= spread <= limits.spread_high:
            return Shift("spread", spread, limits.spread_low, limits.spread_high, answers)
        if self._before_count >= limits.window_answers:
            jump = mean - self._before_sum / self._before_count
            if not limits.jump_low <= jump <= limits.jump_high:
                return Shift("jump", jump, limits.jump_low, limits.jump_high, answers)
        return None
