"""Means over clusters: the rows' own, an error that knows their dependence, bounds that hold at every look."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.evidence import Means
from lifecycle.judge.means import MINIMUM_CLUSTERS, estimate, radius, spread


def sums(vectors: npt.NDArray[np.float64]) -> Means:
    """Return the evidence of (clusters, 4) vectors."""
    totals = vectors.sum(axis=0)
    return Means(
        clusters=len(vectors),
        totals=(float(totals[0]), float(totals[1]), float(totals[2]), float(totals[3])),
        products=tuple((vectors.T @ vectors).ravel().tolist()),
    )


def test_estimate_is_the_difference_of_the_rows_means() -> None:
    """Clusters of any size count by their rows."""
    found = estimate(sums(np.array([[3.0, 10.0, 1.0, 5.0], [9.0, 20.0, 4.0, 15.0]])))
    assert found is not None
    assert found.candidate == pytest.approx(0.4)
    assert found.baseline == pytest.approx(0.25)
    assert found.value == pytest.approx(0.15)


def test_error_is_that_of_the_clusters_means_when_all_are_of_one_size() -> None:
    """With equal clusters, linearisation is the textbook's standard error of paired means."""
    rng = np.random.default_rng(5)
    ours, theirs = rng.normal(2, 1, 50), rng.normal(1, 1, 50)
    size = np.full(50, 10.0)
    found = estimate(sums(np.stack((ours * size, size, theirs * size, size), axis=1)))
    assert found is not None
    assert found.standard_error == pytest.approx(np.std(ours - theirs, ddof=1) / np.sqrt(50))


def test_pairs_that_move_together_have_a_smaller_error() -> None:
    """What an hour does to both versions cancels."""
    rng = np.random.default_rng(6)
    weather, size = rng.normal(0, 5, 40), np.full(40, 10.0)
    together = estimate(sums(np.stack(((weather + 1) * size, size, weather * size, size), axis=1)))
    apart = estimate(sums(np.stack(((weather + 1) * size, size, weather[::-1] * size, size), axis=1)))
    assert together is not None
    assert apart is not None
    assert together.standard_error < 1e-6 < apart.standard_error


def test_mean_without_a_baseline_stands_alone() -> None:
    """An absolute rule reads the candidate's mean itself."""
    found = estimate(sums(np.array([[3.0, 10.0, 0.0, 0.0], [9.0, 20.0, 0.0, 0.0]])))
    assert found is not None
    assert found.value == pytest.approx(0.4)
    assert found.baseline is None


def test_nothing_seen_is_no_estimate() -> None:
    """No rows, no number."""
    assert estimate(sums(np.zeros((0, 4)))) is None
    assert estimate(sums(np.zeros((3, 4)))) is None


@given(clusters=st.integers(1, 5000), probability=st.floats(1e-6, 0.2))
def test_bounds_shrink_with_clusters_and_grow_with_certainty(clusters: int, probability: float) -> None:
    """In the estimate's own unit: the standard error falls faster than the multiple of it ever rises."""
    now, later = (float(radius(1 / np.sqrt(n), n, probability)) for n in (clusters, clusters + 1))
    assert later <= now
    assert float(radius(1.0, clusters, probability / 10)) >= float(radius(1.0, clusters, probability))
    assert np.isinf(now) or clusters >= MINIMUM_CLUSTERS


def test_bounds_miss_an_equal_candidate_at_any_of_300_hours_more_rarely_than_promised() -> None:
    """Hours of unequal size and skewed loss, looked at after each."""
    rng = np.random.default_rng(8)
    missed = 0
    for _ in range(300):
        rows = rng.integers(20, 200, 300).astype(float)
        gaps = rng.normal(0, 1, 300) * np.sqrt(rows) + rng.exponential(3, 300) - 3
        vectors = np.stack((0.5 * rows + gaps, rows, 0.5 * rows, rows), axis=1)
        totals, products = vectors.cumsum(axis=0), (vectors[:, :, None] * vectors[:, None, :]).cumsum(axis=0)
        clusters = np.arange(1, 301)
        value, error = spread(totals, products.reshape(300, 16), clusters)
        missed += bool((np.abs(value) > radius(error, clusters, 0.05)).any())
    assert missed / 300 <= 0.05
