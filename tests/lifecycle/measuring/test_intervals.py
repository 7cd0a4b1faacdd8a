"""An interval covers the truth as often as it says, also when whole days are good or bad."""

import numpy as np
import pytest

from lifecycle.measuring import points
from lifecycle.measuring.answers import Answers
from lifecycle.measuring.figures import measure_answers
from lifecycle.policy import CostPolicy
from lifecycle.quality import FIGURES, Figures

COST = CostPolicy(false_alarm=1, missed=3)
HOURS = 18
"""A day of the simulated world has so many hours with traffic."""


def world(rng: np.random.Generator, days: int, rows_an_hour: int, by_day: float, by_hour: float) -> Answers:
    """Return answers whose outcomes share something by day and by hour: standard deviations on the logit scale."""
    number = (24 * np.arange(days)[:, None] + np.arange(HOURS)).ravel()
    shared = np.repeat(rng.normal(0, by_day, days), HOURS) + rng.normal(0, by_hour, days * HOURS)
    of_hour = rng.poisson(rows_an_hour, days * HOURS)
    logits = rng.normal(-1.2, 0.9, of_hour.sum())
    labels = rng.random(len(logits)) < 1 / (1 + np.exp(-logits - np.repeat(shared, of_hour)))
    scores = 1 / (1 + np.exp(-logits))
    warned = (scores >= 0.25).astype(np.float64)
    return Answers(labels.astype(np.float64), scores, warned, np.repeat(number, of_hour))


@pytest.mark.parametrize(
    ("by_day", "by_hour", "least"),
    [(0.0, 0.0, 0.9), (0.0, 0.5, 0.9), (0.5, 0.3, 0.83)],
    ids=["independent", "hours share", "days share"],
)
def test_intervals_cover_the_truth(by_day: float, by_hour: float, least: float) -> None:
    """Of 95% over a week. Seven days that differ as whole days are few: there it is somewhat less, as documented."""
    rng = np.random.default_rng(11)
    truth = measure_answers(world(rng, 2000, 20, by_day, by_hour), COST, 0.95)
    weeks = [measure_answers(world(rng, 7, 20, by_day, by_hour), COST, 0.95) for _ in range(250)]
    covered = {name: np.mean([covers(week, truth, name) for week in weeks]) for name in FIGURES}
    # Chance makes every calibration error positive; a perfect version's true one is 0, which no sample shows.
    assert {name: rate for name, rate in covered.items() if rate < least} == {}


def covers(week: Figures, truth: Figures, name: str) -> bool:
    """Return whether a week's interval has the truth in it."""
    found, true = getattr(week, name), getattr(truth, name)
    return bool(found.low <= true.value <= found.high)


def test_rows_that_share_their_day_make_wider_intervals_than_rows_that_do_not() -> None:
    """Twice the rows of the same days prove hardly more."""
    rng = np.random.default_rng(2)
    alone, together = (measure_answers(world(rng, 7, 40, by_day, 0), COST, 0.95).brier for by_day in (0.0, 0.8))
    assert alone is not None
    assert together is not None
    assert together.high - together.low > 2 * (alone.high - alone.low)  # type: ignore[operator]


def test_a_perfect_versions_calibration_error_may_be_none() -> None:
    """What chance gives is taken off before anything is called proven."""
    rng = np.random.default_rng(4)
    lows = [measure_answers(world(rng, 7, 20, 0, 0), COST, 0.95).calibration_error for _ in range(50)]
    assert np.mean([figure.low == 0 for figure in lows]) > 0.95  # type: ignore[union-attr]
    skewed = world(rng, 7, 20, 0, 0)
    skewed = Answers(skewed.labels, skewed.scores**0.3, skewed.warned, skewed.hours)
    assert measure_answers(skewed, COST, 0.95).calibration_error.low > 0.2  # type: ignore[union-attr,operator]


def test_what_never_varies_is_only_as_certain_as_its_hours() -> None:
    """Ten hours without a miss do not prove that there is none; a rate of a third in each would have shown."""
    answers = Answers(np.ones(50), np.full(50, 0.9), np.ones(50), np.arange(50) % 10)
    recall = measure_answers(answers, COST, 0.95).recall
    assert recall is not None
    assert (recall.value, recall.high) == (1.0, 1.0)
    assert recall.low == pytest.approx(0.025 ** (1 / 10))


def test_few_hours_and_few_cases_have_a_value_and_no_interval() -> None:
    """Nobody can say how sure that is."""
    rng = np.random.default_rng(9)
    one_day = world(rng, 1, 50, 0, 0)
    few = measure_answers(one_day.where(one_day.hours < 7), COST, 0.95)
    assert few.auc is not None
    assert (few.auc.low, few.hours) == (None, 7)
    rare = one_day.supposing((np.arange(one_day.rows) < 9).astype(np.float64))
    assert points.recall(rare) is not None
    assert measure_answers(rare, COST, 0.95).recall.low is None  # type: ignore[union-attr]
