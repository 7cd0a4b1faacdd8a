"""Metrics over all rows and by slice."""

import numpy as np
import pytest

from flows.training.evaluate import measure_rows
from lifecycle.policy import Policy


def test_one_class_has_no_ranking(policy: Policy) -> None:
    """AUC and average precision are undefined there; the rest is not."""
    metrics = measure_rows(np.zeros(5, dtype=np.int64), np.full(5, 0.1), policy)
    assert (metrics.auc, metrics.average_precision) == (None, None)
    assert metrics.brier == pytest.approx(0.01)


def test_metrics_are_those_of_the_textbook(policy: Policy) -> None:
    """Four rows, by hand: two of three pairs ranked right, one false alarm and one miss at 0.5."""
    metrics = measure_rows(np.array([1, 0, 1, 0]), np.array([0.8, 0.6, 0.4, 0.2]), policy)
    assert metrics.auc == pytest.approx(0.75)
    assert metrics.average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert metrics.brier == pytest.approx((0.04 + 0.36 + 0.36 + 0.04) / 4)
    assert metrics.log_loss == pytest.approx(-np.log([0.8, 0.4, 0.4, 0.8]).mean())
    assert metrics.cost_per_row == pytest.approx(0.5)
