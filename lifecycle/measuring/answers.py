"""Answers with what became of them, as arrays of equal length."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Answers:
    """Answers, each array (n_rows,).

    `labels` are 0 and 1, or without outcomes the chance of 1. `scores` are probabilities, nan where an answer has none,
    as a rule's may. `warned` is 1 where the
    decision that was given was the positive one, 0 where it was another, nan where none was given. `hours` number the
    hour of the prediction moment: the rows of one share their fate.
    """

    labels: Array
    scores: Array
    warned: Array
    hours: npt.NDArray[np.int64]

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.labels)

    def where(self, mask: Mask) -> "Answers":
        """Return those for which a mask, (n_rows,), holds."""
        return Answers(self.labels[mask], self.scores[mask], self.warned[mask], self.hours[mask])

    def supposing(self, labels: Array) -> "Answers":
        """Return the same answers with other labels, (n_rows,)."""
        return Answers(labels, self.scores, self.warned, self.hours)

    def decided(self) -> "Answers":
        """Return those with a decision."""
        known = ~np.isnan(self.warned)
        return self if known.all() else self.where(known)

    def scored(self) -> "Answers":
        """Return those with a score."""
        known = ~np.isnan(self.scores)
        return self if known.all() else self.where(known)
