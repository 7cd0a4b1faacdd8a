"""Metrics of answers as one value and the pull of each row on it.

The pull of a row is its influence: by how much the value moves when the row weighs more, (n_rows,), summing to 0. What
spreads a metric is the sum of its rows' pulls, so one interval fits them all (Hampel, The influence curve and its role
in robust estimation, JASA 1974). Labels may be chances: then a value is the one to expect.
"""

from dataclasses import dataclass

import numpy as np

from lifecycle.calibration import places
from lifecycle.measuring.answers import Answers, Array

SURE = 1e-6
"""A score nearer to 0 or 1 counts as this near, so that one wrong answer cannot outweigh all others."""


@dataclass(frozen=True)
class Point:
    """A metric's value and each row's pull on it, (n_rows,); it rests on `support` rows of the kind it counts.

    `by_chance` is what chance alone gives a metric that cannot be negative, in a perfect version.
    """

    value: float
    pull: Array
    hours: np.ndarray
    support: float
    by_chance: float = 0.0


def log_loss(answers: Answers) -> Point | None:
    """Return the mean log loss; None without rows."""
    return _mean(losses(answers), answers)


def losses(answers: Answers) -> Array:
    """Return each row's log loss, (n_rows,).

    >>> losses(Answers(np.array([1.0]), np.array([0.5]), np.array([1.0]), np.array([0]))).round(3)
    array([0.693])
    """
    chance = np.clip(answers.scores, SURE, 1 - SURE)
    lost: Array = -(answers.labels * np.log(chance) + (1 - answers.labels) * np.log1p(-chance))
    return lost


def brier(answers: Answers) -> Point | None:
    """Return the mean squared distance of score and outcome; None without rows."""
    return _mean(answers.labels * (1 - answers.scores) ** 2 + (1 - answers.labels) * answers.scores**2, answers)


def cost_per_row(answers: Answers, false_alarm: float, missed: float) -> Point | None:
    """Return the mean cost of the decisions that were given; None when none was."""
    known = answers.decided()
    costs = false_alarm * known.warned * (1 - known.labels) + missed * (1 - known.warned) * known.labels
    return _mean(costs, known)


def precision(answers: Answers) -> Point | None:
    """Return the share of the positive decisions that were right; None when none was given."""
    known = answers.decided()
    return _share(known.labels * known.warned, known.warned, known)


def recall(answers: Answers) -> Point | None:
    """Return the share of the positives that were decided to be; None when there is none."""
    known = answers.decided()
    return _share(known.labels * known.warned, known.labels, known)


def calibration_error(answers: Answers) -> Point | None:
    """Return the expected calibration error in bins of equally many rows; None without rows.

    It is never negative, so chance alone makes it positive: `by_chance` is the mean of that, from how each bin's gap
    varies from hour to hour.
    """
    if answers.rows == 0:
        return None
    place = places(answers.scores)
    gaps = answers.scores - answers.labels
    sign = np.sign(np.bincount(place, gaps))
    value = float(np.abs(np.bincount(place, gaps)).sum() / answers.rows)
    _, hour = np.unique(answers.hours, return_inverse=True)
    width = int(hour.max()) + 1
    by_hour = np.bincount(place * width + hour, gaps, (int(place.max()) + 1) * width).reshape(-1, width)
    chance = np.sqrt(2 / np.pi) * np.sqrt((by_hour**2).sum(axis=1)).sum() / answers.rows
    pull = (sign[place] * gaps - value) / answers.rows
    return Point(value, pull, answers.hours, answers.rows, min(float(chance), value))


def _mean(values: Array, answers: Answers) -> Point | None:
    return _share(values, np.ones(answers.rows), answers)


def _share(part: Array, whole: Array, answers: Answers) -> Point | None:
    total = float(whole.sum())
    if total <= 0:
        return None
    value = float(part.sum() / total)
    return Point(value, (part - value * whole) / total, answers.hours, total)
