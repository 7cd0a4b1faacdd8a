"""The baseline profile of inputs and scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.errors import InvalidInput
from lifecycle.profile import (
    CategoryProfile,
    NumericProfile,
    Profile,
    count_numbers,
    profile_numbers,
    profile_texts,
)

FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)


def none_missing(values: np.ndarray) -> np.ndarray:
    """Return the mask that marks nothing as missing."""
    return np.zeros(len(values), dtype=bool)


@given(st.lists(FLOATS, min_size=1, max_size=200))
def test_baseline_counts_every_row_inside_its_range(numbers: list[float]) -> None:
    """The counts add up, and the outer bins of a baseline are empty."""
    values = np.array(numbers)
    profile = profile_numbers(values, none_missing(values))
    assert sum(profile.counts) == len(numbers)
    assert profile.counts[0] == profile.counts[-1] == 0


@given(st.lists(FLOATS, min_size=1, max_size=100), st.lists(FLOATS, max_size=100))
def test_counts_of_parts_add_up_to_those_of_the_whole(first: list[float], second: list[float]) -> None:
    """Two windows counted in the same bins merge by addition."""
    edges = profile_numbers(np.array(first), none_missing(np.array(first))).edges

    def counts(values: list[float]) -> np.ndarray:
        return np.array(count_numbers(edges, np.array(values), none_missing(np.array(values))).counts)

    assert (counts(first) + counts(second)).tolist() == counts(first + second).tolist()


def test_uniform_numbers_fill_twenty_equal_bins() -> None:
    """Without heavy values, the bins hold equal shares."""
    values = np.arange(2000, dtype=float)
    counts = profile_numbers(values, none_missing(values)).counts
    assert [count for count in counts if count] == [100] * 20


def test_heavy_value_has_a_bin_of_its_own() -> None:
    """A count that is mostly 0 keeps its zeros apart from the small numbers."""
    values = np.concatenate([np.zeros(600), np.linspace(0.001, 9, 400)])
    profile = profile_numbers(values, none_missing(values))
    assert 600 in profile.counts
    nearly = count_numbers(profile.edges, np.array([0.0005]), np.array([False]))
    assert nearly.counts[profile.counts.index(600)] == 0


def test_values_outside_the_baseline_fall_into_the_outer_bins() -> None:
    """Below and above are counted as such, at once visible."""
    values = np.linspace(0, 1, 100)
    profile = profile_numbers(values, none_missing(values))
    live = count_numbers(profile.edges, np.array([-0.1, 0.5, 1.1, 7.0]), np.zeros(4, dtype=bool))
    assert (live.counts[0], live.counts[-1]) == (1, 2)


def test_missing_rows_are_counted_and_nowhere_else() -> None:
    """A defaulted value says nothing about the feature's distribution."""
    values = np.array([1.0, 2.0, np.nan, 99.0])
    profile = profile_numbers(values, np.array([False, False, True, True]))
    assert (sum(profile.counts), profile.missing) == (2, 2)
    assert max(profile.edges) == 2.0


def test_all_missing_has_one_empty_bin() -> None:
    """A feature that was never there still has a profile."""
    profile = profile_numbers(np.array([np.nan]), np.array([True]))
    assert profile == NumericProfile(edges=(), counts=(0,), missing=1)


def test_unmarked_nan_is_refused() -> None:
    """A gap that nobody declared is a defect, not a value."""
    with pytest.raises(InvalidInput, match="mark its row as missing"):
        count_numbers((0.0,), np.array([np.nan]), np.array([False]))


def test_float32_values_keep_their_bins_through_json() -> None:
    """Edges survive storage to the last bit, so a value never changes its bin."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=500).astype(np.float32)
    profile = profile_numbers(values, none_missing(values))
    stored = NumericProfile.model_validate_json(profile.model_dump_json())
    assert stored == profile
    assert count_numbers(stored.edges, values, none_missing(values)).counts == profile.counts


def test_rare_texts_are_counted_together() -> None:
    """Only the 200 most frequent are named; ties go by name, so equal data gives equal profiles."""
    texts = [f"N{number:03}" for number in range(250)] + ["N249", None]
    profile = profile_texts(texts)
    assert (len(profile.counts), profile.other, profile.missing) == (200, 50, 1)
    assert list(profile.counts)[:2] == ["N249", "N000"]


def test_profile_survives_json() -> None:
    """What is stored beside a version reads back equal."""
    number = profile_numbers(np.array([1.0, 2.0]), np.array([False, False]))
    profile = Profile(
        rows=2,
        features={"minutes": number},
        categories={"place": CategoryProfile(counts={"A": 2}, other=0, missing=0)},
        score_rows=2,
        score=number,
    )
    assert Profile.model_validate_json(profile.model_dump_json()) == profile


@pytest.mark.parametrize(("edges", "counts"), [((1.0, 2.0), (1, 2)), ((2.0, 1.0), (0, 1, 0)), ((1.0, 1.0), (0, 1, 0))])
def test_counts_that_do_not_fit_the_edges_are_refused(edges: tuple[float, ...], counts: tuple[int, ...]) -> None:
    """A damaged profile is no baseline."""
    with pytest.raises(ValueError, match="edges"):
        NumericProfile(edges=edges, counts=counts, missing=0)
