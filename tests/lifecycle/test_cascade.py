"""Which scores a small model is sure of."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.cascade import NOWHERE, Bands, sure_bands, upper_limit, version_scale
from lifecycle.cascade_policy import CascadePolicy

POLICY = CascadePolicy(decided_otherwise_at_most=0.05, confidence=0.95)


def scores(rows: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a version's scores and those of a small model that is off by so much."""
    rng = np.random.default_rng(seed)
    version = rng.beta(1, 2, size=rows)
    return version, np.clip(version + rng.normal(scale=noise, size=rows), 0, 1)


def decided_otherwise(version: np.ndarray, small: np.ndarray, threshold: float, bands: Bands) -> float:
    """Return the share decided otherwise of the rows that the small model is sure of."""
    sure = bands.sure(small)
    return float(((version >= threshold) != (small >= threshold))[sure].mean()) if sure.any() else 0.0


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(0, 3000),
    noise=st.floats(0, 0.3),
    threshold=st.floats(0, 1),
    at_most=st.floats(0.001, 0.5),
    seed=st.integers(0, 1000),
)
def test_bands_hold_what_the_policy_allows(
    rows: int, noise: float, threshold: float, at_most: float, seed: int
) -> None:
    """On the rows they were found on, each has no more decided otherwise than allowed, and none reaches over."""
    version, small = scores(rows, noise, seed)
    policy = CascadePolicy(decided_otherwise_at_most=at_most, confidence=0.95)
    bands = sure_bands(version, small, threshold, policy)
    for one in (Bands(bands.low, None), Bands(None, bands.high)):
        assert decided_otherwise(version, small, threshold, one) <= at_most
    assert bands.low is None or bands.low < threshold
    assert bands.high is None or bands.high >= threshold


def test_promise_holds_on_rows_never_seen() -> None:
    """In at most one of twenty draws of judged rows are more rows decided otherwise than was allowed."""
    unseen_version, unseen_small = scores(200_000, 0.08, seed=999)
    broken = 0
    for seed in range(200):
        bands = sure_bands(*scores(1500, 0.08, seed), 0.3, POLICY)
        sides = (Bands(bands.low, None), Bands(None, bands.high))
        broken += any(decided_otherwise(unseen_version, unseen_small, 0.3, one) > 0.05 for one in sides)
    # Twenty would be the promise; 200 draws of a share of a twentieth give at most so many in 99.9 of 100 cases.
    assert broken <= 20


def test_more_is_answered_by_a_better_small_model_and_a_larger_allowance() -> None:
    """The bands widen with what is known, and with what is allowed."""

    def answered(noise: float, at_most: float) -> float:
        version, small = scores(5000, noise, seed=1)
        policy = CascadePolicy(decided_otherwise_at_most=at_most, confidence=0.95)
        return float(sure_bands(version, small, 0.3, policy).sure(small).mean())

    assert answered(0.02, 0.02) > answered(0.1, 0.02) > 0
    assert answered(0.1, 0.1) > answered(0.1, 0.02)


def test_few_rows_vouch_for_nothing() -> None:
    """However alike the two models are on them."""
    version, _ = scores(50, 0.0, seed=1)
    assert sure_bands(version, version, 0.3, POLICY) == NOWHERE
    assert not NOWHERE.any()
    assert not NOWHERE.sure(version).any()
    assert sure_bands(np.empty(0), np.empty(0), 0.3, POLICY) == NOWHERE


def test_small_model_that_knows_nothing_answers_nothing() -> None:
    """Its decisions differ everywhere."""
    rng = np.random.default_rng(3)
    assert sure_bands(rng.random(5000), rng.random(5000), 0.5, POLICY) == NOWHERE


def test_changed_threshold_moves_the_bands() -> None:
    """They are for the threshold of the day, and none reaches over it."""
    version, small = scores(5000, 0.05, seed=1)
    low = sure_bands(version, small, 0.2, POLICY)
    high = sure_bands(version, small, 0.6, POLICY)
    assert low.low is not None
    assert high.low is not None
    assert low.low < 0.2 < high.low < 0.6


@pytest.mark.parametrize(("found", "rows", "limit"), [(0, 0, 1.0), (5, 5, 1.0), (0, 58, 0.0503), (3, 100, 0.0757)])
def test_upper_limit_is_clopper_pearson(found: int, rows: int, limit: float) -> None:
    """Against tables of the exact limit at 95 percent."""
    assert upper_limit(found, rows, 0.05) == pytest.approx(limit, abs=1e-3)


def test_scores_on_the_version_s_scale_are_spread_as_the_version_s() -> None:
    """Rank by rank, also where the small model's lie closer together."""
    version, _ = scores(20_000, 0.0, seed=1)
    small = 0.3 + 0.5 * (version - 0.3)
    bands = sure_bands(version, small, 0.3, POLICY)
    sure = bands.sure(small)
    scaled = version_scale(version, small, bands).of(small[sure])
    assert np.abs(np.quantile(scaled, [0.05, 0.5, 0.95]) - np.quantile(version[sure], [0.05, 0.5, 0.95])).max() < 0.01
    assert scaled.std() > 1.5 * small[sure].std()


def test_scale_without_a_sure_row_leaves_scores_as_they_are() -> None:
    """There is nothing to compare."""
    some = np.linspace(0, 1, 11)
    assert (version_scale(some, some, NOWHERE).of(some) == some).all()
