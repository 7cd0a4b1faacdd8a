"""A baseline drawn from the rows themselves: bins, counts, and how alike the rows of one day are."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from lifecycle.day_correlation import day_correlation, middle_ranks
from lifecycle.profile import CategoryProfile, NumericProfile
from lifecycle.profile_counting import count_numbers

BINS = 20
CATEGORIES = 200
"""Categories counted by name; the rarer ones are counted together."""


def profile_numbers(values: np.ndarray, missing: np.ndarray, days: np.ndarray | None = None) -> NumericProfile:
    """Return a baseline of (n_rows,) numbers; rows where the bool array `missing` holds are only counted.

    The edges are the values at 20 equal shares. A value that alone holds a share, such as 0 in a
    count, gets a bin of its own, so that a change of its weight cannot hide in a range.
    With `days` (n_rows,), a whole number for the day of each row, the correlations by day are measured too.

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
    edges = tuple(np.unique(np.concatenate([cuts, atoms, _just_below(np.append(atoms, found[0]))])).tolist())
    counted = count_numbers(edges, values, missing)
    if days is None:
        return counted
    table = _by_day(days[~missing], np.searchsorted(edges, present, side="left"), len(edges) + 1)
    return counted.model_copy(
        update={
            "day_correlation": day_correlation(table),
            "rank_day_correlation": day_correlation(table, middle_ranks(table.sum(axis=0))),
            "missing_day_correlation": _correlation_of_missing(missing, days),
        }
    )


def profile_texts(values: Sequence[str | None], days: np.ndarray | None = None) -> CategoryProfile:
    """Return the counts of each text, the 200 most frequent by name; None counts as missing.

    `days` is as for numbers.

    >>> dict(profile_texts(["JFK", "EWR", "JFK", None]).counts)
    {'JFK': 2, 'EWR': 1}
    """
    present = Counter(value for value in values if value is not None)
    ranked = sorted(present.items(), key=lambda item: (-item[1], item[0]))
    counted = CategoryProfile(
        counts=dict(ranked[:CATEGORIES]),
        other=sum(count for _, count in ranked[CATEGORIES:]),
        missing=len(values) - present.total(),
    )
    if days is None or not present:
        return counted
    places = {name: place for place, name in enumerate(counted.counts)}
    missing = np.array([value is None for value in values], dtype=bool)
    bins = np.array([places.get(value, len(places)) for value in values if value is not None], dtype=np.int64)
    return counted.model_copy(
        update={
            "day_correlation": day_correlation(_by_day(days[~missing], bins, len(places) + 1)),
            "missing_day_correlation": _correlation_of_missing(missing, days),
        }
    )


def profile_labels(labels: np.ndarray, days: np.ndarray | None = None) -> CategoryProfile:
    """Return the counts of (n_rows,) outcomes of 0 and 1, by the names "0" and "1".

    >>> dict(profile_labels(np.array([1, 0, 0])).counts)
    {'0': 2, '1': 1}
    """
    counted = profile_texts([str(label) for label in np.asarray(labels, dtype=np.int64).tolist()], days)
    return counted.model_copy(update={"counts": {name: counted.counts.get(name, 0) for name in ("0", "1")}})


def _just_below(values: np.ndarray) -> np.ndarray:
    # Under 0 the nearest float is subnormal, and libraries that flush those to 0 would merge the two edges.
    below: np.ndarray = np.minimum(np.nextafter(values, -np.inf), values - np.finfo(np.float64).tiny)
    return below


def _correlation_of_missing(missing: np.ndarray, days: np.ndarray) -> float:
    return day_correlation(_by_day(days, missing.astype(np.int64), 2))


def _by_day(days: np.ndarray, bins: np.ndarray, width: int) -> np.ndarray:
    """Return how many rows of each day fall into each bin, (n_days, width) float64."""
    known, day = np.unique(days, return_inverse=True)
    flat = np.bincount(day * width + bins, minlength=known.size * width)
    table: np.ndarray = flat.reshape(known.size, width).astype(np.float64)
    return table
