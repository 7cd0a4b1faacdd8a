"""The rows of a micro-batch, sorted by who answers them."""

from collections.abc import Sequence

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

    def took(self, rows: np.ndarray, microseconds: float) -> None:
        """Take note of the time that some rows took together, by their places; they share it alike."""
        if len(rows):
            self._compute_us[rows] += microseconds / len(rows)

    def by(self, *tiers: str) -> np.ndarray:
        """Return which rows these tiers answered, (n_rows,) bool."""
        return np.array([tier in tiers for tier in self.tiers], dtype=bool)

    def named(self) -> Sequence[str] | None:
        """Return each row's tier, None where the version answered them all."""
        return self.tiers if any(tier != MODEL_TIER for tier in self.tiers) else None

    def costs(self, charges: Charges | None) -> np.ndarray | None:
        """Return what each row cost, (n_rows,); None without prices."""
        if charges is None:
            return None
        prices = np.array([charges.per_answer[tier] for tier in self.tiers])
        costs: np.ndarray = prices + charges.per_microsecond * self._compute_us
        return costs
