"""Whether scores mean what they say: how often the answer is yes where the score says 30%."""

import numpy as np
from pydantic import BaseModel, ConfigDict

BINS = 10


class CalibrationBin(BaseModel):
    """The rows of one range of scores: how many, their mean score and their share of positives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    mean_score: float
    positive_rate: float


def calibration_curve(labels: np.ndarray, scores: np.ndarray, bins: int = BINS) -> tuple[CalibrationBin, ...]:
    """Return the calibration curve in up to `bins` bins of about equally many rows, low scores first.

    Equal scores share a bin, so there may be fewer bins; no rows give none. `labels` is (n_rows,) of
    0 and 1, `scores` (n_rows,) probabilities. Equal-mass bins as in Nixon et al. (2019), Measuring
    Calibration in Deep Learning.

    >>> curve = calibration_curve(np.array([0, 1, 1, 1]), np.array([0.2, 0.2, 0.9, 0.9]), bins=2)
    >>> [(bin.rows, round(bin.mean_score, 3), bin.positive_rate) for bin in curve]
    [(2, 0.2, 0.5), (2, 0.9, 1.0)]
    """
    if len(labels) == 0:
        return ()
    place = places(scores, bins)
    return tuple(
        CalibrationBin(
            rows=int(np.count_nonzero(place == index)),
            mean_score=float(scores[place == index].mean()),
            positive_rate=float(labels[place == index].mean()),
        )
        for index in np.unique(place)
    )


def places(scores: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Return which of up to `bins` bins of about equally many rows each score is in, (n_rows,) from 0, low ones first.

    >>> places(np.array([0.9, 0.2, 0.2, 0.9]), bins=2)
    array([1, 0, 0, 1])
    """
    cuts = np.quantile(scores, np.linspace(0, 1, bins + 1)[1:-1], method="inverted_cdf")
    return np.searchsorted(np.unique(cuts), scores, side="left")


def calibration_error(curve: tuple[CalibrationBin, ...]) -> float:
    """Return the expected calibration error, 0 (exact) to 1: the mean gap over rows; nan for no bins.

    >>> calibration_error((CalibrationBin(rows=3, mean_score=0.5, positive_rate=0.5),
    ...                    CalibrationBin(rows=1, mean_score=0.5, positive_rate=0.9)))
    0.1
    """
    rows = sum(part.rows for part in curve)
    if rows == 0:
        return float("nan")
    return sum(part.rows * abs(part.mean_score - part.positive_rate) for part in curve) / rows
