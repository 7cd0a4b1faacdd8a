"""From what became of every request to figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

OK = 200
MS_PER_SECOND = 1000


@dataclass(frozen=True)
class Outcomes:
    """Every request of a sender: due time in seconds, seconds until its answer, HTTP status; arrays (n,)."""

    due: np.ndarray
    seconds: np.ndarray
    status: np.ndarray

    @classmethod
    def read(cls, path: Path) -> "Outcomes":
        """Return what a sender wrote."""
        with np.load(path) as kept:
            return cls(kept["due"], kept["seconds"], kept["status"])

    def between(self, begin: float, end: float) -> "Outcomes":
        """Return those due in a stretch of time."""
        inside = (self.due >= begin) & (self.due < end)
        return Outcomes(self.due[inside], self.seconds[inside], self.status[inside])

    def lost(self) -> int:
        """Return how many were not answered with 200."""
        return int((self.status != OK).sum())

    def milliseconds(self, percentile: float) -> float:
        """Return a percentile of the waits for 200s; NaN without any."""
        waits = self.seconds[self.status == OK]
        return float(np.percentile(waits, percentile)) * MS_PER_SECOND if len(waits) else float("nan")

    def counts(self) -> Mapping[str, int]:
        """Return how many got which status; 0 is no answer."""
        statuses, counts = np.unique(self.status, return_counts=True)
        return {str(status): int(count) for status, count in zip(statuses, counts, strict=True)}


def seconds_to_recover(outcomes: Outcomes, after: float, until: float, allowed_ms: float) -> float | None:
    """Return after how many seconds every second's requests are all answered and p99 within the limit for good.

    None when that is not so at the end.
    """
    recovered: float | None = None
    for second in range(int(until - after)):
        part = outcomes.between(after + second, after + second + 1)
        good = bool(len(part.due)) and not part.lost() and part.milliseconds(99) <= allowed_ms
        if good and recovered is None:
            recovered = float(second)
        elif not good:
            recovered = None
    return recovered


def per_second(outcomes: Sequence[Outcomes], seconds: float) -> float:
    """Return how many requests a second were answered or refused, together, in so long from the beginning."""
    return sum(int((one.due + one.seconds <= seconds).sum()) for one in outcomes) / seconds
