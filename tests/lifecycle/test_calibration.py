"""Whether scores mean what they say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.calibration import calibration_curve, calibration_error


def test_exact_scores_have_no_error() -> None:
    """Where 30% of the rows that score 0.3 are positive, the error is 0."""
    labels = np.array([1] * 3 + [0] * 7 + [1] * 8 + [0] * 2)
    scores = np.array([0.3] * 10 + [0.8] * 10)
    assert calibration_error(calibration_curve(labels, scores)) == pytest.approx(0)


def test_error_is_the_mean_gap_over_rows() -> None:
    """Scores of 0.9 that are right half the time are 0.4 off."""
    labels, scores = np.array([0, 1] * 50), np.full(100, 0.9)
    assert calibration_error(calibration_curve(labels, scores)) == pytest.approx(0.4)


def test_drawn_outcomes_are_nearly_calibrated() -> None:
    """Labels drawn with the scores as their probabilities leave only noise."""
    rng = np.random.default_rng(1)
    scores = rng.beta(2, 6, size=20_000)
    labels = (rng.random(20_000) < scores).astype(int)
    assert calibration_error(calibration_curve(labels, scores)) < 0.015


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=60))
def test_bins_share_out_the_rows_in_rising_order(rows: list[tuple[int, float]]) -> None:
    """Every row is in one bin, bins rise, and the error stays between 0 and 1."""
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    curve = calibration_curve(labels, scores)
    assert sum(part.rows for part in curve) == len(rows)
    means = [part.mean_score for part in curve]
    assert means == sorted(means)
    assert 0 <= calibration_error(curve) <= 1 + 1e-12


def test_no_rows_have_no_bins_and_an_undefined_error() -> None:
    """Nothing measured is nan, not 0."""
    assert calibration_curve(np.array([]), np.array([])) == ()
    assert math.isnan(calibration_error(()))
