"""The baseline profile: what a version's inputs and scores looked like when it was accepted, as counts that add up."""

from collections.abc import Mapping
from operator import add
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Limit

from lifecycle.errors import InvalidInput
from lifecycle.outputs import OutputsProfile

Correlation = Annotated[float, Limit(ge=0, le=1)]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NumericProfile(_Value):
    """Counts of a number by bin. Two profiles with the same edges add up bin by bin.

    `edges` (n_edges,) rise strictly; `counts` (n_edges + 1,) are of values up to the first edge, in each
    (edge, next edge], and above the last. In a baseline the first and last count are 0: they are
    there for values outside the range that it saw. `missing` counts absent or defaulted values.

    In a baseline, `day_correlation`, `rank_day_correlation` and `missing_day_correlation` say how alike the rows of
    one day are in their bins, in their ranks and in being missing: see `lifecycle/day_correlation.py`. 0 where nobody
    measured it.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    missing: int
    day_correlation: Correlation = 0.0
    rank_day_correlation: Correlation = 0.0
    missing_day_correlation: Correlation = 0.0

    @model_validator(mode="after")
    def _counts_fit_the_edges(self) -> Self:
        if len(self.counts) != len(self.edges) + 1:
            raise ValueError(f"{len(self.edges)} edges need {len(self.edges) + 1} counts, not {len(self.counts)}")
        if any(later <= earlier for earlier, later in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError("edges must rise strictly")
        return self


class CategoryProfile(_Value):
    """Counts of a text by value; `other` counts values that have no name here.

    In a baseline those are the ones too rare to name. In counts made on a baseline they are the values it does not
    name: unseen ones where the baseline's own `other` is 0. Where it is not, rare and unseen cannot be told apart.
    The correlations are as in NumericProfile.
    """

    counts: Mapping[str, int]
    other: int
    missing: int
    day_correlation: Correlation = 0.0
    missing_day_correlation: Correlation = 0.0


class Profile(_Value):
    """A version's baseline, or rows of a later window counted on a baseline's bins.

    A baseline holds the features, categories and labels that the version learned from, and its scores on unseen rows.
    `days` is how many different days its `rows` are of and `score_days` its `score_rows`, 0 where nobody counted.
    `labels` is None where none are known. `outputs` are a baseline's scores in order of time, None where they are too
    few.
    """

    rows: int
    features: Mapping[str, NumericProfile]
    categories: Mapping[str, CategoryProfile]
    score_rows: int
    score: NumericProfile
    days: int = 0
    score_days: int = 0
    labels: CategoryProfile | None = None
    outputs: OutputsProfile | None = None


def merge(a: Profile, b: Profile) -> Profile:
    """Return the counts of both together; which is first makes no difference.

    Days that both have cannot be known, so the larger number stands: no more than there are. Where only one has
    labels, they are kept. Raises InvalidInput for different features, bins or names, which do not add up.
    """
    for what, first, second in (("features", a.features, b.features), ("categories", a.categories, b.categories)):
        if first.keys() != second.keys():
            raise InvalidInput(
                f"profiles of {what} {sorted(first)} and {sorted(second)} do not add up; count both on one baseline"
            )
    return Profile(
        rows=a.rows + b.rows,
        features={name: _merge_numbers(name, own, b.features[name]) for name, own in a.features.items()},
        categories={name: merge_texts(name, own, b.categories[name]) for name, own in a.categories.items()},
        score_rows=a.score_rows + b.score_rows,
        score=_merge_numbers("the score", a.score, b.score),
        days=max(a.days, b.days),
        score_days=max(a.score_days, b.score_days),
        labels=merge_texts("labels", a.labels, b.labels) if a.labels and b.labels else a.labels or b.labels,
    )


def _merge_numbers(name: str, a: NumericProfile, b: NumericProfile) -> NumericProfile:
    if a.edges != b.edges:
        raise InvalidInput(
            f"{name} is counted in {len(a.counts)} and in {len(b.counts)} bins, or at other edges; count both on one "
            f"baseline"
        )
    # Unchecked: both were, and what adds up of them is as right.
    return NumericProfile.model_construct(
        edges=a.edges,
        counts=tuple(map(add, a.counts, b.counts)),
        missing=a.missing + b.missing,
        day_correlation=max(a.day_correlation, b.day_correlation),
        rank_day_correlation=max(a.rank_day_correlation, b.rank_day_correlation),
        missing_day_correlation=max(a.missing_day_correlation, b.missing_day_correlation),
    )


def merge_texts(name: str, a: CategoryProfile, b: CategoryProfile) -> CategoryProfile:
    """Return the counts of both together; raises InvalidInput, which calls them `name`, unless they name the same.

    >>> monday = CategoryProfile(counts={"JFK": 2, "EWR": 1}, other=0, missing=1)
    >>> tuesday = CategoryProfile(counts={"JFK": 1, "EWR": 0}, other=3, missing=0)
    >>> both = merge_texts("origin", monday, tuesday)
    >>> dict(both.counts), both.other, both.missing
    ({'JFK': 3, 'EWR': 1}, 3, 1)
    """
    if a.counts.keys() != b.counts.keys():
        differing = sorted(a.counts.keys() ^ b.counts.keys())
        raise InvalidInput(f"only one of two profiles of {name} names {differing[:3]}; count both on one baseline")
    return CategoryProfile(
        counts={value: count + b.counts[value] for value, count in a.counts.items()},
        other=a.other + b.other,
        missing=a.missing + b.missing,
        day_correlation=max(a.day_correlation, b.day_correlation),
        missing_day_correlation=max(a.missing_day_correlation, b.missing_day_correlation),
    )
