"""Find one slice of the rows that the span of a single feature sets apart from all others."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from lifecycle.errors import EvidenceMissing

MINORITY = 0.5


@dataclass(frozen=True)
class Isolated:
    """The rows with `low` <= feature <= `high` are those of one slice, such as carrier AA; `column` is the feature's.

    `gap` is the share of the slice's rows within, less the other rows within as a share of the slice: 1 is exact.
    """

    slice_name: str
    value: str
    column: int
    low: float
    high: float
    gap: float

    def rows(self, matrix: np.ndarray) -> np.ndarray:
        """Return which rows of (n_rows, n_features) lie within, (n_rows,) bool."""
        asked = matrix[:, self.column]
        return (asked >= self.low) & (asked <= self.high)


def isolate(matrix: np.ndarray, slices: Mapping[str, np.ndarray], least_share: float) -> Isolated:
    """Return the slice that one feature sets apart best, of those with at least that share of the rows and a minority.

    `matrix` is (n_rows, n_features), each slice (n_rows,) text. Raises EvidenceMissing when no slice is of that size.
    """
    found = max(_candidates(matrix, slices, least_share), key=lambda candidate: candidate.gap, default=None)
    if found is None:
        raise EvidenceMissing(
            f"no value of {', '.join(slices)} has from {least_share:.0%} to {MINORITY:.0%} of the {len(matrix)} rows"
        )
    return found


def _candidates(matrix: np.ndarray, slices: Mapping[str, np.ndarray], least_share: float) -> Iterator[Isolated]:
    for name, of_rows in slices.items():
        values, counts = np.unique(of_rows.astype(str), return_counts=True)
        for value in values[(counts >= least_share * len(matrix)) & (counts <= MINORITY * len(matrix))]:
            inside = of_rows.astype(str) == value
            for column in range(matrix.shape[1]):
                low, high, gap = best_span(matrix[:, column], inside)
                yield Isolated(name, str(value), column, low, high, gap)


def best_span(values: np.ndarray, inside: np.ndarray) -> tuple[float, float, float]:
    """Return the span of values with the most rows inside less rows outside, and that as a share of those inside.

    The span reaches half-way to the next values beyond it, as a later row may lie between. Kadane's largest run.

    >>> best_span(np.array([1.0, 2.0, 3.0, 5.0]), np.array([False, True, True, False]))
    (1.5, 4.0, 1.0)
    """
    seen, first = np.unique(values, return_inverse=True)
    gains = np.bincount(first, weights=np.where(inside, 1.0, -1.0), minlength=len(seen))
    sums = np.concatenate([[0.0], np.cumsum(gains)])
    rises = sums[1:] - np.minimum.accumulate(sums[:-1])
    end = int(rises.argmax())
    start = int(sums[: end + 1].argmin())
    low = seen[start] if start == 0 else (seen[start - 1] + seen[start]) / 2
    high = seen[end] if end == len(seen) - 1 else (seen[end] + seen[end + 1]) / 2
    return float(low), float(high), float(rises[end] / inside.sum())
