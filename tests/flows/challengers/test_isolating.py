"""A slice is found by the one feature that tells it from all others."""

import numpy as np
import pytest

from flows.challengers.isolating import best_span, isolate
from lifecycle.errors import EvidenceMissing


def test_the_slice_that_one_feature_tells_apart_is_found_with_its_span() -> None:
    """Column 1 holds 600 for one airline and something else for the rest; column 0 says nothing."""
    rng = np.random.default_rng(1)
    carriers = np.array(["AA"] * 100 + ["UA"] * 400 + ["DL"] * 500, dtype=object)
    counts = np.where(carriers == "AA", 600.0, 1000.0) + rng.integers(-20, 20, size=1000)
    found = isolate(np.column_stack([rng.random(1000), counts]), {"carrier": carriers}, least_share=0.08)
    assert (found.slice_name, found.value, found.column, found.gap) == ("carrier", "AA", 1, 1.0)
    assert found.low <= 600 < found.high < 1000
    matrix = np.array([[0.0, 605.0], [0.0, 1000.0]])
    assert found.rows(matrix).tolist() == [True, False]


def test_a_slice_that_is_too_small_is_passed_over() -> None:
    """However well a feature tells it apart; and so is one that most rows are in."""
    carriers = np.array(["AA"] * 5 + ["UA"] * 35 + ["DL"] * 60, dtype=object)
    values = np.where(carriers == "AA", 1.0, np.where(carriers == "UA", 2.0, 3.0))[:, np.newaxis]
    assert isolate(values, {"carrier": carriers}, least_share=0.08).value == "UA"


def test_no_slice_that_is_large_enough_is_said_with_the_limit() -> None:
    """One value for all rows sets nothing apart."""
    with pytest.raises(EvidenceMissing, match="no value of carrier has from 8% to 50% of the 10 rows"):
        isolate(np.zeros((10, 1)), {"carrier": np.full(10, "AA", dtype=object)}, least_share=0.08)


def test_a_span_ends_half_way_to_its_neighbours() -> None:
    """A later row may lie a little beyond what was seen."""
    assert best_span(np.array([1.0, 2.0, 2.0, 4.0]), np.array([False, True, True, False])) == (1.5, 3.0, 1.0)
    assert best_span(np.array([2.0, 3.0]), np.array([True, False])) == (2.0, 2.5, 1.0)


def test_an_outsider_within_the_span_counts_against_it() -> None:
    """Four inside and one outside among them leave three of four."""
    low, high, gap = best_span(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([True, True, False, True, True]))
    assert (low, high, gap) == (1.0, 5.0, 0.75)
