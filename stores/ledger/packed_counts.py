"""Counts without their bins, which the baseline has: what an hour's row of the ledger holds."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from lifecycle.errors import InvalidInput
from lifecycle.profile import CategoryProfile, NumericProfile, Profile

Packed: TypeAlias = Mapping[str, Any]
"""Plain JSON values; see `pack`."""


def bins_of(profile: Profile) -> str:
    """Return a digest of a profile's bins and names: profiles that add up have the same."""
    features = {name: one.edges for name, one in profile.features.items()}
    names = {name: sorted(one.counts) for name, one in profile.categories.items()}
    text = json.dumps([features, names, profile.score.edges], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def pack(profile: Profile) -> Packed:
    """Return a profile's counts: `numbers` bin by bin, features by name and then the score, names where they occur."""
    return {
        "bins": bins_of(profile),
        "rows": profile.rows,
        "score_rows": profile.score_rows,
        "numbers": [count for one in _numeric(profile) for count in (*one.counts, one.missing)],
        "categories": {
            name: {
                "counts": {value: count for value, count in one.counts.items() if count},
                "other": one.other,
                "missing": one.missing,
            }
            for name, one in profile.categories.items()
        },
    }


def add_up(baseline: Profile, packed: Iterable[Packed]) -> Profile:
    """Return the sum of packed counts on a baseline's bins; of nothing, zeros.

    Raises InvalidInput for counts that were made on other bins.
    """
    bins = bins_of(baseline)
    rows = score_rows = 0
    widths = [len(one.counts) + 1 for one in _numeric(baseline)]
    numbers = np.zeros(sum(widths), np.int64)
    categories = {name: _Names(one) for name, one in baseline.categories.items()}
    for part in packed:
        if part["bins"] != bins:
            raise InvalidInput(
                f"counts were made on bins {part['bins']}, the baseline has {bins}; count the hour anew from the log"
            )
        rows, score_rows = rows + part["rows"], score_rows + part["score_rows"]
        numbers += np.array(part["numbers"], np.int64)
        for name, names in categories.items():
            names.add(part["categories"][name])
    *features, score = [
        _summed(one, sums)
        for one, sums in zip(_numeric(baseline), np.split(numbers, np.cumsum(widths)[:-1]), strict=True)
    ]
    summed = dict(zip(sorted(baseline.features), features, strict=True))
    return Profile(
        rows=rows,
        features={name: summed[name] for name in baseline.features},
        categories={name: names.profile() for name, names in categories.items()},
        score_rows=score_rows,
        score=score,
    )


def _numeric(profile: Profile) -> list[NumericProfile]:
    return [*(profile.features[name] for name in sorted(profile.features)), profile.score]


class _Names:
    """The sums of one field's names."""

    def __init__(self, known: CategoryProfile) -> None:
        self._counts = dict.fromkeys(known.counts, 0)
        self._other = self._missing = 0

    def add(self, part: Mapping[str, Any]) -> None:
        for value, count in part["counts"].items():
            self._counts[value] += count
        self._other += part["other"]
        self._missing += part["missing"]

    def profile(self) -> CategoryProfile:
        return CategoryProfile(counts=self._counts, other=self._other, missing=self._missing)


def _summed(known: NumericProfile, sums: np.ndarray) -> NumericProfile:
    *counts, missing = sums.tolist()
    return NumericProfile(edges=known.edges, counts=tuple(counts), missing=missing)
