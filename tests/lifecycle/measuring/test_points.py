"""Metrics are the textbook's, and the pull of a row is what its weight does to them."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics as sklearn

from lifecycle.calibration import calibration_curve, calibration_error
from lifecycle.measuring import points
from lifecycle.measuring.answers import Answers
from lifecycle.measuring.points import Point
from lifecycle.measuring.ranking import auc, average_precision

Metric = Callable[[Answers], Point | None]


def some(rows: int = 400, seed: int = 3) -> Answers:
    """Return answers with ties among their scores."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(1, 20, size=rows) / 20
    labels = (rng.random(rows) < scores**1.5).astype(np.float64)
    return Answers(labels, scores, (scores >= 0.4).astype(np.float64), rng.integers(0, 48, size=rows))


def value_of(metric: Metric, answers: Answers) -> float:
    """Return a metric that must be defined."""
    point = metric(answers)
    assert point is not None
    return point.value


def cost(answers: Answers) -> Point | None:
    """Return what decisions cost at one for a false alarm and three for a miss."""
    return points.cost_per_row(answers, 1, 3)


SMOOTH: list[Metric] = [auc, average_precision, points.log_loss, points.brier, points.precision, points.recall, cost]


def test_values_are_those_of_the_textbook() -> None:
    """scikit-learn agrees on every one, ties included."""
    answers = some()
    warned = answers.scores >= 0.4
    expected = {
        auc: sklearn.roc_auc_score(answers.labels, answers.scores),
        average_precision: sklearn.average_precision_score(answers.labels, answers.scores),
        points.log_loss: sklearn.log_loss(answers.labels, answers.scores),
        points.brier: sklearn.brier_score_loss(answers.labels, answers.scores),
        points.precision: sklearn.precision_score(answers.labels, warned),
        points.recall: sklearn.recall_score(answers.labels, warned),
        points.calibration_error: calibration_error(calibration_curve(answers.labels, answers.scores)),
    }
    assert {metric: value_of(metric, answers) for metric in expected} == pytest.approx(expected)
    false_alarms, missed = (warned & (answers.labels == 0)).mean(), (~warned & (answers.labels == 1)).mean()
    assert value_of(cost, answers) == pytest.approx(false_alarms + 3 * missed)


@pytest.mark.parametrize("metric", SMOOTH)
def test_pull_is_what_one_more_of_a_row_adds(metric: Metric) -> None:
    """Doubling a row moves the value by about its pull; all pulls together move nothing."""
    answers = some(rows=2000)
    point = metric(answers)
    assert point is not None
    assert point.pull.sum() == pytest.approx(0, abs=1e-9)
    for row in (0, 7, 19, 333):
        twice = answers.where(np.ones(2000, dtype=bool))
        again = np.concatenate([np.arange(2000), [row]])
        twice = Answers(twice.labels[again], twice.scores[again], twice.warned[again], twice.hours[again])
        moved = value_of(metric, twice) - point.value
        assert moved == pytest.approx(point.pull[row], rel=0.02, abs=2e-6)


def test_what_is_undefined_has_no_value() -> None:
    """One class has no ranking, no warning no precision, nobody late no recall, nothing at all no metric."""
    answers = some()
    nobody = answers.supposing(np.zeros(answers.rows))
    assert (auc(nobody), average_precision(nobody), points.recall(nobody)) == (None, None, None)
    silent = Answers(answers.labels, answers.scores, np.zeros(answers.rows), answers.hours)
    assert points.precision(silent) is None
    nothing = answers.where(np.zeros(answers.rows, dtype=bool))
    assert [metric(nothing) for metric in (*SMOOTH, points.calibration_error)] == [None] * 8


def test_rows_without_a_decision_or_a_score_are_left_out_of_what_needs_it() -> None:
    """A rule may decide without a score, and an old row may have no decision."""
    answers = Answers(
        np.array([1.0, 0, 1, 0]), np.array([0.9, 0.2, np.nan, 0.4]), np.array([1.0, 0, 1, np.nan]), np.arange(4)
    )
    assert value_of(points.precision, answers) == 1
    assert answers.scored().rows == answers.decided().rows == 3
