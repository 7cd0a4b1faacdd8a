"""How many replicas a gateway should have, from what its models' requests cost its replicas just now."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

QUIET = 0.7
"""A replica is given up only when the others would stay below so much of each target: then it is not missed at once."""


@dataclass(frozen=True)
class Need:
    """What one model asks of all replicas together, and its targets.

    `queue_depth` is how many requests were under way on average, over all replicas; `p95_ms` is that of the slowest
    replica, 0 where hardly anybody asked.
    """

    model: str
    queue_depth: float
    p95_ms: float
    target_queue_depth: float
    target_p95_ms: float


@dataclass(frozen=True)
class Wish:
    """How many replicas there should be, and why."""

    replicas: int
    reason: str


def replicas_wanted(running: int, needs: Sequence[Need]) -> Wish:
    """Return how many replicas should run instead of the `running` ones; the caller keeps to the bounds and delays.

    Each model's queue is a share of what one replica takes, and all models share the replicas, so the shares add up:
    by the queues there are as many replicas as their sum. Latency is no such sum: while one model's is beyond its
    target, there is one more than now. One replica fewer is wanted when the rest would stay below QUIET of what they
    take and each latency is below QUIET of its target; between these, nothing changes.

    >>> replicas_wanted(1, [Need("m", queue_depth=40, p95_ms=20, target_queue_depth=16, target_p95_ms=100)])
    Wish(replicas=3, reason='m has 40.0 requests under way, and target_queue_depth allows 16 in each replica')
    >>> replicas_wanted(2, [Need("m", queue_depth=10, p95_ms=130, target_queue_depth=16, target_p95_ms=100)])
    Wish(replicas=3, reason='p95 of m is 130 ms; target_p95_ms allows 100')
    >>> replicas_wanted(2, [Need("m", queue_depth=12, p95_ms=20, target_queue_depth=16, target_p95_ms=100)]).replicas
    2
    >>> replicas_wanted(2, [Need("m", queue_depth=3, p95_ms=20, target_queue_depth=16, target_p95_ms=100)])
    Wish(replicas=1, reason='all are quiet: 0.19 replicas would do for the requests under way')

    Raises ValueError when nothing runs.
    """
    if running < 1:
        raise ValueError(f"{running} replicas run; allowed: at least 1")
    used = sum(need.queue_depth / need.target_queue_depth for need in needs)
    if math.ceil(used) > running:
        return Wish(math.ceil(used), "; ".join(_queue(need) for need in needs if need.queue_depth))
    slow = [need for need in needs if need.p95_ms > need.target_p95_ms]
    if slow:
        return Wish(running + 1, "; ".join(_latency(need) for need in slow))
    quiet = used <= QUIET * (running - 1) and all(need.p95_ms <= QUIET * need.target_p95_ms for need in needs)
    if needs and running > 1 and quiet:
        return Wish(running - 1, f"all are quiet: {used:.2f} replicas would do for the requests under way")
    return Wish(running, f"{used:.2f} replicas' worth of requests are under way")


def histogram_quantile(bounds: Sequence[float], counts: Sequence[int], quantile: float) -> float:
    """Return a quantile of values counted in buckets, as if they lay evenly in theirs; NaN of none.

    `bounds` are the buckets' upper ends, rising; `counts` has one entry for each and one for what lies above them all,
    where the quantile is the last bound.

    >>> histogram_quantile([1.0, 2.0], [10, 10, 0], 0.75)
    1.5
    """
    total = sum(counts)
    if not total:
        return math.nan
    rank = quantile * total
    below = [0, *accumulate(counts)]
    at = next(number for number in range(len(counts)) if below[number + 1] >= rank and counts[number])
    if at == len(bounds):
        return bounds[-1]
    start = bounds[at - 1] if at else 0.0
    return start + (bounds[at] - start) * (rank - below[at]) / counts[at]


def _queue(need: Need) -> str:
    return (
        f"{need.model} has {need.queue_depth:.1f} requests under way, and target_queue_depth allows "
        f"{need.target_queue_depth:g} in each replica"
    )


def _latency(need: Need) -> str:
    return f"p95 of {need.model} is {need.p95_ms:.0f} ms; target_p95_ms allows {need.target_p95_ms:g}"
