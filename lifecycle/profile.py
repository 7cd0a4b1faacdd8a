"""The baseline profile: what a version's inputs and scores looked like when it was accepted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from lifecycle.errors import InvalidInput

BINS = 20
CATEGORIES = 200
"""Categories counted by name; the rarer ones are counted together."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NumericProfile(_Value):
    """Counts of a number by bin. Two profiles with the same edges add up bin by bin.

    `edges` (n_edges,) rise strictly; `counts` (n_edges + 1,) are of values up to the first edge, in each
    (edge, next edge], and above the last. In a baseline the first and last count are 0: they are
    there for values outside the range that it saw. `missing` counts absent or defaulted values.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    missing: int

    @model_validator(mode="after")
    def _counts_fit_the_edges(self) -> Self:
        if len(self.counts) != len(self.edges) + 1:
            raise ValueError(f"{len(self.edges)} edges need {len(self.edges) + 1} counts, not {len(self.counts)}")
        if any(later <= earlier for earlier, later in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError("edges must rise strictly")
        return self


class CategoryProfile(_Value):
    """Counts of a text by value; `other` counts values too rare to name."""

    counts: Mapping[str, int]
    other: int
    missing: int


class Profile(_Value):
    """A version's baseline: the features and categories it learned from, its scores on unseen rows."""

    rows: int
    features: Mapping[str, NumericProfile]
    categories: Mapping[str, CategoryProfile]
    score_rows: int
    score: NumericProfile


def profile_numbers(values: np.ndarray, missing: np.ndarray) -> NumericProfile:
    """Return a baseline of (n_rows,) numbers; rows where the bool array `missing` holds are only counted.

    The edges are the values at 20 equal shares. A value that alone holds a share, such as 0 in a
    count, gets a bin of its own, so that a change of its weight cannot hide in a range.

    >>> profile_numbers(np.array([1.0, 2.0, 2.0, 9.0]), np.array([False, False, False, True])).missing
    1
    """
    present = np.asarray(values, dtype=np.float64)[~missing]
    if present.size == 0:
        return NumericProfile(edges=(), counts=(0,), missing=int(missing.sum()))
    # Whole ranks: a quantile of a float share may land one row off.
    ranks = -(-np.arange(1, BINS + 1) * present.size // BINS) - 1
    cuts = np.sort(present)[ranks]
    found, weights = np.unique(present, return_counts=True)
    atoms = found[weights >= present.size / BINS]
    # Bins are open below, so an edge just under a value closes the bin before it.
    edges = np.unique(np.concatenate([cuts, atoms, _just_below(np.append(atoms, found[0]))]))
    return count_numbers(tuple(edges.tolist()), values, missing)


def _just_below(values: np.ndarray) -> np.ndarray:
    # Under 0 the nearest float is subnormal, and libraries that flush those to 0 would merge the two edges.
    below: np.ndarray = np.minimum(np.nextafter(values, -np.inf), values - np.finfo(np.float64).tiny)
    return below


def count_numbers(edges: tuple[float, ...], values: np.ndarray, missing: np.ndarray) -> NumericProfile:
    """Return the counts of (n_rows,) numbers in given bins, such as a baseline's.

    >>> count_numbers((0.0, 1.0), np.array([-5.0, 0.5, 1.0, 7.0]), np.zeros(4, dtype=bool)).counts
    (1, 2, 1)
    """
    present = np.asarray(values, dtype=np.float64)[~missing]
    if not np.isfinite(present).all():
        raise InvalidInput("a value that is not finite cannot be counted; mark its row as missing")
    places = np.searchsorted(np.array(edges, dtype=np.float64), present, side="left")
    counts = np.bincount(places, minlength=len(edges) + 1)
    return NumericProfile(edges=edges, counts=tuple(counts.tolist()), missing=int(missing.sum()))


def profile_texts(values: Sequence[str | None]) -> CategoryProfile:
    """Return the counts of each text, the 200 most frequent by name; None counts as missing.

    >>> profile_texts(["JFK", "EWR", "JFK", None])
    CategoryProfile(counts={'JFK': 2, 'EWR': 1}, other=0, missing=1)
    """
    present = Counter(value for value in values if value is not None)
    ranked = sorted(present.items(), key=lambda item: (-item[1], item[0]))
    return CategoryProfile(
        counts=dict(ranked[:CATEGORIES]),
        other=sum(count for _, count in ranked[CATEGORIES:]),
        missing=len(values) - present.total(),
    )
