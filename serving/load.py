"""What a replica says about its load, for Ray to count on: requests under way and their p95, by model."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lifecycle.scaling import histogram_quantile
from serving.metrics.requests import RequestMeter
from serving.metrics.served_families import REQUEST_SECONDS

P95 = 0.95
FEWEST = 20
"""Of fewer requests the slowest twentieth is one odd request."""
MS_PER_SECOND = 1000
DEPTH, LATENCY = "queue_depth/", "p95_ms/"
"""Ray takes flat names; the model's follows."""


@dataclass
class LoadMeter:
    """Reads the meter of a replica's requests, so that counting costs a request nothing more; used on one thread.

    Requests under way are the time that all requests took, by the time that passed (Little's law). While none ends, it
    is how many there are now: a replica that stands still has a queue, too. `monotonic` is in seconds.
    """

    meter: RequestMeter
    monotonic: Callable[[], float] = time.monotonic
    _before: Mapping[str, tuple[Sequence[int], float]] = field(default_factory=dict)
    _at: float | None = None

    def sample(self) -> dict[str, float]:
        """Return each model's figures since the last call, by the names above."""
        now, found = self.monotonic(), self.meter.durations()
        elapsed = math.inf if self._at is None else now - self._at
        under_way = self.meter.in_flight()
        figures: dict[str, float] = {}
        for model, (buckets, seconds) in found.items():
            old, old_seconds = self._before.get(model, ([0] * len(buckets), 0.0))
            counts = [new - was for new, was in zip(buckets, old, strict=True)]
            ended = sum(counts)
            depth = (seconds - old_seconds) / elapsed if ended else float(under_way.get(model, 0))
            figures[DEPTH + model] = depth
            slow = ended >= FEWEST
            figures[LATENCY + model] = MS_PER_SECOND * histogram_quantile(REQUEST_SECONDS, counts, P95) if slow else 0.0
        self._before, self._at = found, now
        return figures
