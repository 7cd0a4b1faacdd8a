"""How well scores rank: the area under the ROC curve and average precision, with each row's pull.

Rows are sorted once; equal scores are one group.
"""

import numpy as np

from lifecycle.measuring.answers import Answers
from lifecycle.measuring.points import Point


def auc(answers: Answers) -> Point | None:
    """Return how often a positive is ranked above a negative, ties half; None when one class is absent.

    The pulls are the components of DeLong, DeLong & Clarke-Pearson (Biometrics, 1988); for rows in clusters as in
    Obuchowski (Biometrics, 1997). With chances for labels no row is compared with itself.

    >>> auc(Answers(np.array([1.0, 0, 1, 0]), np.array([0.8, 0.6, 0.4, 0.2]), np.zeros(4), np.arange(4))).value
    0.75
    """
    labels = answers.labels
    positives, negatives, itself = labels.sum(), (1 - labels).sum(), (labels * (1 - labels)).sum()
    pairs = positives * negatives - itself
    if pairs <= 0:
        return None
    _, place = np.unique(answers.scores, return_inverse=True)
    up, down = np.bincount(place, labels), np.bincount(place, 1 - labels)
    beaten = np.cumsum(down) - down / 2
    beating = positives - np.cumsum(up) + up / 2
    value = ((up * beaten).sum() - itself / 2) / pairs
    won = labels * beaten[place] + (1 - labels) * beating[place]
    pull = (won - value * (labels * negatives + (1 - labels) * positives)) / pairs
    return Point(float(value), pull, answers.hours, float(min(positives, negatives)))


def average_precision(answers: Answers) -> Point | None:
    """Return the mean precision at each positive's score; None when one class is absent.

    >>> answers = Answers(np.array([1.0, 0, 1, 0]), np.array([0.8, 0.6, 0.4, 0.2]), np.zeros(4), np.arange(4))
    >>> round(average_precision(answers).value, 4)
    0.8333
    """
    labels = answers.labels
    positives = labels.sum()
    if positives <= 0 or positives >= answers.rows:
        return None
    _, place = np.unique(answers.scores, return_inverse=True)
    up, rows = np.bincount(place, labels), np.bincount(place)
    from_here = np.cumsum(rows[::-1])[::-1]
    precise = np.cumsum(up[::-1])[::-1] / from_here
    value = (up * precise).sum() / positives
    # A row weighs in every precision at or below its score.
    gained, owed = np.cumsum(up / from_here)[place], np.cumsum(up * precise / from_here)[place]
    pull = (labels * (precise[place] - value) + labels * gained - owed) / positives
    return Point(float(value), pull, answers.hours, float(min(positives, answers.rows - positives)))
