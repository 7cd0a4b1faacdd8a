"""The rows of a micro-batch, sorted by who answers them."""

import numpy as np

from lifecycle.charging import Charges
from serving.answer import MODEL_TIER


class Sorting:
    """Scores by row with the tier that gave each, and the microseconds that were computed for it.

    What no cheap tier takes is the version's.
    """

    def __init__(self, n_rows: int) -> None:
        self.scores = np.zeros(n_rows)
        self.tiers = [MODEL_TIER] * n_rows
        self.open = np.ones(n_rows, dtype=bool)
        """The rows that nobody has answered yet."""
        self._compute_us = np.zeros(n_rows)

    def answered(self, rows: np.ndarray, scores: np.ndarray, tier: str) -> None:
        """Take the scores of some rows, whose places these are, from a tier."""
        self.scores[rows] = scores
        self.open[rows] = False
        for row in rows.tolist():
            self.tiers[row] = tier

    def took(self, rows: np.ndarray, each_us: float) -> None:
        """Take note of the microseconds that each of some rows took, by their places."""
        self._compute_us[rows] += each_us

    def by(self, *tiers: str) -> np.ndarray:
        """Return which rows these tiers answered, (n_rows,) bool."""
        return np.array([tier in tiers for tier in self.tiers], dtype=bool)

    def spent_us(self) -> float:
        """Return what was computed for each row that nobody has answered yet; they all went the same way."""
        return float(self._compute_us[self.open].mean())

    def costs(self, charges: Charges | None) -> np.ndarray | None:
        """Return what each row cost, (n_rows,); None without prices."""
        if charges is None:
            return None
        prices = np.array([charges.per_answer[tier] for tier in self.tiers])
        costs: np.ndarray = prices + charges.per_microsecond * self._compute_us
        return costs
