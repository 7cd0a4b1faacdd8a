"""The distances and tests that a comparison is made of."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chi2_contingency, mannwhitneyu

from lifecycle.drift.chi_square import chi_square, chi_square_p_value
from lifecycle.drift.holm import holm
from lifecycle.drift.jensen_shannon import jensen_shannon
from lifecycle.drift.kolmogorov_smirnov import kolmogorov_smirnov
from lifecycle.drift.pooling import FEWEST_EXPECTED, pool_neighbours, pool_rarest
from lifecycle.drift.proportions import share_p_value
from lifecycle.drift.psi import psi
from lifecycle.drift.ranks import rank_p_value
from lifecycle.drift.sizes import Sizes
from lifecycle.drift.tail import upper

PAIRS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=30).filter(
    lambda pairs: any(now for now, _ in pairs) and any(then for _, then in pairs)
)


@given(PAIRS)
def test_distances_stay_within_their_bounds(pairs: list[tuple[int, int]]) -> None:
    """Whatever the counts, PSI is not negative, Jensen-Shannon at most sqrt(ln 2), Kolmogorov-Smirnov at most 1."""
    now, then = np.array(pairs, dtype=np.float64).T
    # Half a row in an empty bin makes the shares sum to more than 1, which can cost PSI that much.
    assert psi(now, then) >= -1e-9
    assert 0.0 <= jensen_shannon(now, then) <= np.sqrt(np.log(2.0)) + 1e-9
    assert 0.0 <= kolmogorov_smirnov(now, then)[0] <= 1.0 + 1e-12
    assert psi(now, now) == jensen_shannon(now, now) == kolmogorov_smirnov(now, now)[0] == 0.0


@given(PAIRS)
def test_p_values_are_chances(pairs: list[tuple[int, int]]) -> None:
    """Whatever the counts and however few rows they are worth, a p-value lies between 0 and 1."""
    now, then = np.array(pairs, dtype=np.float64).T
    for worth in (0.7, 1.0, 33.3, now.sum()):
        assert 0.0 <= rank_p_value(now, then, worth, then.sum()) <= 1.0
        share, usual = now[0] / now.sum(), then[0] / then.sum()
        assert 0.0 <= share_p_value(share, usual, worth, then.sum()) <= 1.0


def test_rank_test_agrees_with_mann_whitney() -> None:
    """On values of few kinds, which bins keep apart, SciPy's test of the rows says the same."""
    rng = np.random.default_rng(1)
    now, then = rng.binomial(12, 0.55, 400), rng.binomial(12, 0.5, 3000)
    theirs = mannwhitneyu(now, then, use_continuity=False, method="asymptotic").pvalue
    ours = rank_p_value(
        np.bincount(now, minlength=13).astype(float), np.bincount(then, minlength=13).astype(float), 400, 3000
    )
    assert np.log(ours) == pytest.approx(np.log(theirs), rel=0.1)


def test_chi_square_without_days_is_pearsons() -> None:
    """Independent rows in bins that hold enough are tested as SciPy tests their table."""
    now, then = np.array([120.0, 80.0, 100.0]), np.array([900.0, 1100.0, 1000.0])
    distance, groups = chi_square(now, then, np.arange(3))
    sizes = Sizes(300, 3000, 0, 0)
    theirs = chi2_contingency(np.stack([now, then]), correction=False)
    assert distance / sizes.noise(0.0) == pytest.approx(theirs.statistic)
    assert chi_square_p_value(distance, groups, 3, sizes, mean=0.0, largest=0.0) == pytest.approx(theirs.pvalue)


@pytest.mark.parametrize("rare", [0.005, 0.05, 0.3])
def test_tail_of_a_rare_share_is_right_where_it_counts(rare: float) -> None:
    """Far out, where a normal curve is wrong by factors, the chance is within a third of the exact binomial's."""
    rows = 300
    far = int(binom.isf(1e-4, rows, rare)) + 1
    exact = binom.sf(far - 1, rows, rare)
    found = upper((far - 0.5) / rows - rare, np.array([0.0, 1.0]), np.array([1 - rare, rare]), rows, 1e12)
    assert found == pytest.approx(exact, rel=0.34)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(any), st.floats(1.0, 5000.0))
def test_pooled_bins_hold_enough_or_are_one(counts: list[int], rows: float) -> None:
    """Bins are joined until each is expected to hold enough rows; none is lost."""
    baseline = np.array(counts, dtype=np.float64)
    for pool in (pool_neighbours, pool_rarest):
        groups = pool(baseline, rows)
        expected = np.bincount(groups, weights=baseline) / baseline.sum() * rows
        assert groups.size == baseline.size
        assert expected.size == 1 or (expected >= FEWEST_EXPECTED - 1e-6).all()


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20))
def test_holm_is_between_no_correction_and_bonferroni(p_values: list[float]) -> None:
    """Each adjusted value is at least the given one, at most the number of tests times it, and in the same order."""
    adjusted = holm(p_values)
    for given_one, one in zip(p_values, adjusted, strict=True):
        assert given_one <= one <= min(1.0, given_one * len(p_values)) + 1e-12
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(np.array(adjusted)[order]) >= -1e-12).all()


def test_distances_agree_with_evidently() -> None:
    """In the bins that Evidently chooses, its PSI and Jensen-Shannon are ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently.legacy.calculations.stattests import (  # noqa: PLC0415 - takes seconds to import
            jensenshannon_stat_test,
            psi_stat_test,
        )
        from evidently.legacy.core import ColumnType  # noqa: PLC0415 - as above
    rng = np.random.default_rng(2)
    places = (
        pd.Series(rng.choice(["EWR", "JFK", "LGA"], 5000, p=[0.4, 0.35, 0.25])),
        pd.Series(rng.choice(["EWR", "JFK", "LGA"], 1000, p=[0.3, 0.4, 0.3])),
    )
    numbers = pd.Series(rng.random(5000)), pd.Series(rng.random(1000) ** 1.2)
    edges = np.histogram_bin_edges(np.concatenate(numbers), bins="sturges")
    for (then, now), kind in ((places, ColumnType.Categorical), (numbers, ColumnType.Numerical)):
        if kind is ColumnType.Categorical:
            counts = [series.value_counts().sort_index().to_numpy() for series in (now, then)]
        else:
            counts = [np.histogram(series, edges)[0] for series in (now, then)]
        ours, theirs = (np.asarray(count, dtype=np.float64) for count in counts)
        assert psi_stat_test(then, now, kind, 0.1).drift_score == pytest.approx(psi(ours, theirs), abs=1e-9)
        distance = jensenshannon_stat_test(then, now, kind, 0.1).drift_score
        assert distance == pytest.approx(jensen_shannon(ours, theirs), abs=1e-9)
