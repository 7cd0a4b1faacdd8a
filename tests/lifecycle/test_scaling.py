"""How many replicas there should be."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.scaling import Need, histogram_quantile, replicas_wanted

DEPTHS = st.floats(0, 1e4)


def need(queue_depth: float = 0.0, p95_ms: float = 0.0, model: str = "m") -> Need:
    """Return what a model asks that has a target of 10 requests and 100 ms."""
    return Need(model, queue_depth, p95_ms, target_queue_depth=10, target_p95_ms=100)


@pytest.mark.parametrize(
    ("running", "needs", "replicas"),
    [
        (1, [need(9)], 1),
        (1, [need(11)], 2),
        (1, [need(95)], 10),
        (1, [need(6), need(6, model="n")], 2),
        (1, [need(2, p95_ms=101)], 2),
        (3, [need(2, p95_ms=101), need(1, p95_ms=900, model="n")], 4),
        (2, [need(7)], 1),
        (2, [need(7.1)], 2),
        (2, [need(1, p95_ms=71)], 2),
        (5, [need(1)], 4),
        (1, [need()], 1),
        (2, [], 2),
    ],
)
def test_replicas_follow_queues_and_latency(running: int, needs: list[Need], replicas: int) -> None:
    """Up by as many as the queues need, up by one for latency, down one at a time; without a word of anybody, as is."""
    assert replicas_wanted(running, needs).replicas == replicas


def test_reason_names_the_models_beyond_their_target() -> None:
    """Whoever reads it knows which key to change."""
    wish = replicas_wanted(2, [need(1, p95_ms=250), need(1, p95_ms=20, model="other")])
    assert wish.reason == "p95 of m is 250 ms; target_p95_ms allows 100"


def test_nothing_runs_is_refused() -> None:
    """Nobody can be measured then."""
    with pytest.raises(ValueError, match="0 replicas run"):
        replicas_wanted(0, [need()])


@given(st.integers(1, 50), DEPTHS, st.floats(0, 1e4))
def test_what_scales_in_does_not_scale_out_again(running: int, depth: float, p95_ms: float) -> None:
    """With the same requests, the fewer replicas are content."""
    wish = replicas_wanted(running, [need(depth, p95_ms)])
    if wish.replicas < running:
        assert replicas_wanted(wish.replicas, [need(depth, p95_ms)]).replicas <= wish.replicas


@given(st.integers(1, 50), DEPTHS, DEPTHS)
def test_more_requests_never_mean_fewer_replicas(running: int, one: float, other: float) -> None:
    """The wish rises with the queue."""
    low, high = sorted((one, other))
    assert replicas_wanted(running, [need(low)]).replicas <= replicas_wanted(running, [need(high)]).replicas


@given(st.lists(st.floats(0.001, 9.99), min_size=1, max_size=200), st.floats(0.01, 1))
def test_quantile_lies_in_the_bucket_of_the_value_at_that_rank(values: list[float], quantile: float) -> None:
    """Counting in buckets loses no more than their width."""
    bounds = [1.0, 2.0, 5.0, 10.0]
    at = np.searchsorted(bounds, values, side="left")
    counts = np.bincount(at, minlength=5).tolist()
    exact = sorted(values)[max(math.ceil(quantile * len(values) - 1e-9), 1) - 1]
    found = histogram_quantile(bounds, counts, quantile)
    bucket = int(np.searchsorted(bounds, exact, side="left"))
    assert ([0.0, *bounds][bucket]) - 1e-9 <= found <= bounds[bucket] + 1e-9


def test_quantile_beyond_the_last_bound_is_that_bound_and_of_nothing_is_nan() -> None:
    """There is no more to know."""
    assert histogram_quantile([1.0, 2.0], [0, 0, 3], 0.5) == 2.0
    assert math.isnan(histogram_quantile([1.0], [0, 0], 0.5))
