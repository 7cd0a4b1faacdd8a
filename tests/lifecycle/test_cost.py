"""The price of wrong answers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.cost import break_even_threshold, cost_curve, cost_per_row, count_answers
from lifecycle.policy import CostPolicy

COST = CostPolicy(false_alarm=1, missed=3)


@given(
    st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=40),
    st.floats(0, 1),
)
def test_every_row_is_counted_once(rows: list[tuple[int, float]], threshold: float) -> None:
    """Caught, false alarms, missed and left alone add up to the rows."""
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    counts = count_answers(labels, scores, threshold)
    assert counts.caught + counts.false_alarms + counts.missed + counts.left_alone == len(rows)
    assert counts.caught + counts.missed == labels.sum()


def test_score_at_the_threshold_warns() -> None:
    """At the threshold the answer is positive, as the policy's words say."""
    assert count_answers(np.array([0]), np.array([0.25]), 0.25).false_alarms == 1


def test_warning_everybody_costs_the_false_alarms_and_nobody_the_misses() -> None:
    """The ends of the curve are the two answers that need no model."""
    labels = np.array([1, 0, 0, 0])
    curve = cost_curve(labels, np.full(4, 0.5), np.array([0.0, 1.0]), COST)
    assert curve.tolist() == [0.75, 0.75]


def test_no_rows_cost_nan() -> None:
    """Where nothing was answered, a mean cost is undefined."""
    assert math.isnan(cost_per_row(np.array([]), np.array([]), 0.5, COST))


@given(st.floats(0.1, 100), st.floats(0.1, 100))
def test_break_even_threshold_is_where_both_answers_cost_the_same(false_alarm: float, missed: float) -> None:
    """At that probability, warning and not warning have the same expected cost."""
    chance = break_even_threshold(CostPolicy(false_alarm=false_alarm, missed=missed))
    assert (1 - chance) * false_alarm == pytest.approx(chance * missed)


def test_break_even_of_free_mistakes_is_nan() -> None:
    """If nothing costs anything, no threshold is better than another."""
    assert math.isnan(break_even_threshold(CostPolicy(false_alarm=0, missed=0)))
