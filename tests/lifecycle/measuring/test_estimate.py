"""Scores alone say what to expect, within what earlier outcomes strayed; of a changed meaning they know nothing."""

import numpy as np
import pytest

from lifecycle.measuring.answers import Answers
from lifecycle.measuring.chances import learn_chances
from lifecycle.measuring.estimate import Experience, estimate
from lifecycle.measuring.figures import measure_answers
from lifecycle.measuring.record import beside_truth
from lifecycle.policy import CostPolicy
from lifecycle.quality import Estimate

COST = CostPolicy(false_alarm=1, missed=3)
DAY = 24
SPAN = 7 * DAY


def world(rng: np.random.Generator, days: int, by_day: float = 0.0, steepness: float = 1.0) -> Answers:
    """Return hourly answers; scores are right where `steepness` is 1, and outcomes of a day may share something."""
    hours = np.repeat(np.arange(days * DAY), 15)
    logits = rng.normal(-1.0, 1.0, len(hours))
    chance = 1 / (1 + np.exp(-logits - np.repeat(rng.normal(0, by_day, days), 15 * DAY)))
    scores = 1 / (1 + np.exp(-steepness * logits))
    labels = (rng.random(len(hours)) < chance).astype(np.float64)
    return Answers(labels, scores, (scores >= 0.3).astype(np.float64), hours)


def told_of(answers: Answers, days: int = 35) -> tuple[Estimate, Answers]:
    """Return the estimate of the last week from what came before, and that week."""
    week = answers.hours >= days * DAY - SPAN
    found = estimate(answers.where(week), Experience(answers.where(~week), 4.0), COST, 0.95)
    assert found is not None
    return found, answers.where(week)


@pytest.mark.parametrize("by_day", [0.0, 0.5])
def test_intervals_have_the_truth_as_often_as_they_say(by_day: float) -> None:
    """Of 95%, also when the outcomes of a day stray together."""
    rng = np.random.default_rng(21)
    held: dict[str, list[bool]] = {}
    for _ in range(60):
        found, week = told_of(world(rng, 35, by_day))
        for name, beside in beside_truth(found, measure_answers(week, COST, 0.95)).items():
            held.setdefault(name, []).append(beside.held)
    assert set(held) == {"auc", "log_loss", "brier", "precision", "recall", "cost_per_row"}
    assert min(np.mean(one) for one in held.values()) > 0.87


def test_overconfident_scores_are_read_by_what_became_of_earlier_ones() -> None:
    """At their word the log loss would be far too good."""
    answers = world(np.random.default_rng(3), 35, steepness=3.0)
    found, week = told_of(answers)
    true = measure_answers(week, COST, 0.95).log_loss
    nobody = Experience(answers.where(np.zeros(answers.rows, dtype=bool)), 0.0)
    believed = estimate(week, nobody, COST, 0.95)
    assert true is not None
    assert believed is not None
    assert found.figures.log_loss.value == pytest.approx(true.value, rel=0.1)  # type: ignore[union-attr]
    assert believed.figures.log_loss.value < 0.6 * true.value  # type: ignore[union-attr]
    assert (found.calibrated_on, believed.calibrated_on) == (28 * DAY * 15, 0)
    assert believed.figures.log_loss.low is None  # type: ignore[union-attr]


def test_a_change_of_what_is_asked_is_seen() -> None:
    """More doubtful cases, answered as well as ever, cost more."""
    rng = np.random.default_rng(8)
    before, after = world(rng, 28), world(rng, 7)
    doubtful = after.where(np.abs(after.scores - 0.4) < 0.15)
    found = estimate(doubtful, Experience(before, 4.0), COST, 0.95)
    usual = estimate(after, Experience(before, 4.0), COST, 0.95)
    assert found is not None
    assert usual is not None
    assert found.figures.log_loss.low > usual.figures.log_loss.high  # type: ignore[union-attr,operator]


def test_a_change_of_meaning_is_not_seen_and_that_is_written_down() -> None:
    """When the same scores come to mean the opposite, the estimate stays where it was; only the truth tells."""
    answers = world(np.random.default_rng(13), 35)
    late = answers.hours >= 28 * DAY
    turned = answers.supposing(np.where(late, 1 - answers.labels, answers.labels))
    found, week = told_of(turned)
    assert found.figures == told_of(answers)[0].figures
    assert "concept drift" in found.blind_to
    assert not any(beside.held for beside in beside_truth(found, measure_answers(week, COST, 0.95)).values())


def test_too_few_earlier_labels_teach_nothing() -> None:
    """A map of scores from a handful of labels would be a map of noise."""
    answers = world(np.random.default_rng(1), 35)
    assert learn_chances(answers.where(np.arange(answers.rows) < 499)) is None
    assert learn_chances(answers.supposing(np.zeros(answers.rows))) is None
    learned = learn_chances(answers)
    assert learned is not None
    assert (np.diff(learned.chances) >= 0).all()
    assert 0 < min(learned.chances) < max(learned.chances) < 1
