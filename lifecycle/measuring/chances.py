"""What a score means: the chance of a positive, by what became of earlier answers with such scores."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from lifecycle.calibration import places
from lifecycle.measuring.answers import Answers, Array

FEWEST_LABELS = 500
"""With fewer earlier labels a map of scores would be a map of their noise."""
FEWEST_OF_A_CLASS = 50
MOST_BINS = 20
ROWS_A_BIN = 50


@dataclass(frozen=True)
class Chances:
    """A map of scores to chances that never falls, linear between the middles of bins; flat beyond the outer ones."""

    scores: tuple[float, ...]
    chances: tuple[float, ...]

    def of(self, scores: Array) -> Array:
        """Return the chance that each score means, (n_rows,)."""
        return np.asarray(np.interp(scores, self.scores, self.chances), dtype=np.float64)


def learn_chances(mature: Answers) -> Chances | None:
    """Return the map that labelled answers teach; None when they are too few of either class.

    Bins of equally many rows, made monotone (Zadrozny & Elkan, Transforming classifier scores into accurate
    multiclass probability estimates, KDD 2002), and a line between their means, so that no chance is 0 or 1 for
    want of rows.
    """
    positives = mature.labels.sum()
    if mature.rows < FEWEST_LABELS or min(positives, mature.rows - positives) < FEWEST_OF_A_CLASS:
        return None
    place = places(mature.scores, min(MOST_BINS, mature.rows // ROWS_A_BIN))
    rows = np.bincount(place)
    seen = rows > 0
    weights = rows[seen].astype(np.float64)
    scores = np.bincount(place, mature.scores)[seen] / weights
    # Half a row of each class keeps an empty bin from certainty.
    rates = (np.bincount(place, mature.labels)[seen] + 0.5) / (weights + 1)
    risen = isotonic_regression(rates, weights=weights).x
    return Chances(tuple(map(float, scores)), tuple(map(float, risen)))
