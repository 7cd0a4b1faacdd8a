"""The threshold of least cost is found, and proposed only when it surely saves on days it was not chosen by."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.cost import cost_curve
from lifecycle.policy import CostPolicy
from lifecycle.recalibration import (
    MINIMUM_DAYS,
    Answers,
    cheapest_threshold,
    decide_recalibration,
    recalibrate_threshold,
)
from lifecycle.verdict import Verdict

COST = CostPolicy(false_alarm=1, missed=3)
GRID = np.arange(1001) / 1000


def answers(seed: int, days: int, shift: float = 0.0, rows: int = 400) -> Answers:
    """Return answers whose days differ, with scores calibrated on average, or shifted in log-odds."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), rows)
    odds = rng.normal(-1.2, 1, days * rows)
    chance = 1 / (1 + np.exp(-(odds + rng.normal(0, 0.4, days)[day])))
    labels = (rng.random(days * rows) < chance).astype(np.int64)
    return Answers(labels, 1 / (1 + np.exp(-(odds + shift))), day)


@given(
    rows=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1000)), min_size=1, max_size=40),
    false_alarm=st.integers(0, 5),
    missed=st.integers(0, 5),
)
def test_no_threshold_of_a_thousand_is_cheaper(rows: list[tuple[int, int]], false_alarm: int, missed: int) -> None:
    """Against trying every one, scores that fall on a threshold included."""
    labels = np.array([label for label, _ in rows])
    scores = np.array([score for _, score in rows]) / 1000
    cost = CostPolicy(false_alarm=false_alarm, missed=missed)
    found = cheapest_threshold(labels, scores, cost)
    curve = cost_curve(labels, scores, GRID, cost)
    assert found in GRID
    assert cost_curve(labels, scores, np.array([found]), cost)[0] == curve.min()


def test_no_rows_have_the_middle() -> None:
    """Nothing is known then, and nothing is proposed from it."""
    assert cheapest_threshold(np.array([], np.int64), np.array([]), COST) == 0.5


def test_noise_is_hardly_ever_proposed() -> None:
    """With the best threshold written already, 100 champions get 5 proposals at most."""
    proposed = 0
    for seed in range(100):
        found = recalibrate_threshold(answers(seed, 21), 0.25, COST, np.random.default_rng(seed))
        proposed += decide_recalibration(found, 21).verdict is Verdict.FAIL
    assert proposed <= 5


def test_scores_that_are_shifted_get_their_threshold() -> None:
    """A champion whose scores are all too high by one in log-odds needs 0.475 where 0.25 is written."""
    found = recalibrate_threshold(answers(3, 28, shift=1.0), 0.25, COST, np.random.default_rng(3))
    assert found is not None
    finding = decide_recalibration(found, 28)
    assert finding.verdict is Verdict.FAIL
    assert found.proposed == pytest.approx(0.475, abs=0.06)
    assert 0 < found.low < found.saving < found.high
    assert finding.value is not None
    assert finding.value > 0.01
    assert f"{found.proposed:g} instead of 0.25 saves" in finding.reason


def test_a_saving_that_is_certain_and_small_is_not_worth_a_change() -> None:
    """One percent of the cost is the least."""
    found = recalibrate_threshold(answers(3, 28, shift=1.0), 0.25, COST, np.random.default_rng(3))
    assert found is not None
    small = replace(found, saving=0.009 * found.cost, low=0.001)
    assert decide_recalibration(small, 28).verdict is Verdict.PASS
    assert decide_recalibration(replace(found, low=-0.001), 28).verdict is Verdict.PASS


def test_too_few_days_say_nothing() -> None:
    """However many rows they hold."""
    days = MINIMUM_DAYS - 1
    found = recalibrate_threshold(answers(1, days, shift=2.0), 0.25, COST, np.random.default_rng(1))
    assert found is None
    assert decide_recalibration(found, days).verdict is Verdict.INCONCLUSIVE
