"""Rows counted on a baseline's bins: what a gateway keeps as it serves, and what a look compares."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import sub

import numpy as np

from lifecycle.errors import InvalidInput
from lifecycle.profile import CategoryProfile, NumericProfile, Profile


def count_rows(
    baseline: Profile,
    *,
    matrix: np.ndarray,
    defaulted: np.ndarray,
    vector: Sequence[str],
    texts: Mapping[str, Sequence[str | None]],
    scores: np.ndarray,
) -> Profile:
    """Return the counts of some rows in the bins of a baseline; see `merge` for adding them up.

    `matrix` is (n_rows, n_features) float32, `defaulted` bool alike, both in the order of `vector`; a defaulted
    value, or one that is not finite, counts as missing. `texts` holds (n_rows,) values by contract field; fields that
    the baseline does not know are left out. `scores` is (n_scores,) float64, which may be fewer than the rows. Days,
    and labels, which come later, are the caller's to add. Raises InvalidInput when a feature or field of the baseline
    is not there.
    """
    rows, columns = matrix.shape
    if columns != len(vector) or defaulted.shape != matrix.shape:
        raise InvalidInput(
            f"matrix {matrix.shape} and defaulted {defaulted.shape} must both have a column for each of the "
            f"{len(vector)} features"
        )
    absent = sorted((baseline.features.keys() - set(vector)) | (baseline.categories.keys() - texts.keys()))
    if absent:
        raise InvalidInput(f"the baseline knows {', '.join(absent)}, which these rows do not have")
    values = np.ascontiguousarray(matrix.T)
    missing = defaulted.T | ~np.isfinite(values)
    place = {name: column for column, name in enumerate(vector)}
    surely = np.isfinite(scores)
    return Profile(
        rows=rows,
        features={
            name: count_numbers(own.edges, values[place[name]], missing[place[name]])
            for name, own in baseline.features.items()
        },
        categories={name: count_texts(own, texts[name]) for name, own in baseline.categories.items()},
        score_rows=len(scores),
        score=count_numbers(baseline.score.edges, scores, ~surely),
    )


def count_numbers(edges: tuple[float, ...], values: np.ndarray, missing: np.ndarray) -> NumericProfile:
    """Return the counts of (n_rows,) numbers in given bins, such as a baseline's.

    >>> count_numbers((0.0, 1.0), np.array([-5.0, 0.5, 1.0, 7.0]), np.zeros(4, dtype=bool)).counts
    (1, 2, 1)
    """
    present = values[~missing]
    # Looking few edges up in sorted values takes a fifth of looking every value up in the edges.
    ordered = np.sort(present).astype(np.float64)
    if ordered.size and not np.isfinite(ordered[[0, -1]]).all():
        raise InvalidInput("a value that is not finite cannot be counted; mark its row as missing")
    below = [0, *np.searchsorted(ordered, _as_array(edges), side="right").tolist(), ordered.size]
    # Unchecked: the edges are those of a profile that was checked.
    return NumericProfile.model_construct(
        edges=edges, counts=tuple(map(sub, below[1:], below)), missing=len(missing) - ordered.size
    )


@lru_cache(maxsize=4096)
def _as_array(edges: tuple[float, ...]) -> np.ndarray:
    return np.array(edges, dtype=np.float64)


def count_texts(baseline: CategoryProfile, values: Sequence[str | None]) -> CategoryProfile:
    """Return how often each value that the baseline names occurs; all others together are `other`, None is missing.

    >>> known = CategoryProfile(counts={"JFK": 2, "EWR": 1}, other=0, missing=0)
    >>> count_texts(known, ["JFK", "LGA", None, "JFK"])
    CategoryProfile(counts={'JFK': 2, 'EWR': 0}, other=1, missing=1, day_correlation=0.0, missing_day_correlation=0.0)
    """
    found: Counter[str | None] = Counter(values)
    missing = found.pop(None, 0)
    named = {name: found[name] for name in baseline.counts}
    return CategoryProfile(counts=named, other=found.total() - sum(named.values()), missing=missing)
