"""Each month beside the version's own baseline: what moved, and how good the frozen version still was."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from flows.training.evaluate import measure_rows
from flows.training.package import draw_profile
from lifecycle.drift.comparing import compare
from lifecycle.drift.comparison import Comparison
from lifecycle.drift.deciding import decide_drift
from lifecycle.drift.move import Move
from lifecycle.evaluation import Metrics
from lifecycle.policy import Policy
from lifecycle.profile import Profile
from lifecycle.profile_counting import count_rows, count_texts
from tests.bench.year.flights import Year

SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Month:
    """One window of the year: `name` such as "2013-07", its answers, what moved in it, and the version's metrics."""

    name: str
    rows: int
    days: int
    comparisons: tuple[Comparison, ...]
    moves: tuple[Move, ...]
    metrics: Metrics


def baseline_of(year: Year) -> Profile:
    """Return the baseline that travels with the version which learned from the year's first months."""
    return draw_profile(year.definition, year.rows, year.baseline_scores)


def months_of(year: Year, baseline: Profile, policy: Policy) -> tuple[Month, ...]:
    """Return every month after those the version learned from, in order."""
    return tuple(_month(name, mask, year, baseline, policy) for name, mask in _spans(year, "M"))


def weeks_of(year: Year, baseline: Profile, policy: Policy) -> tuple[Month, ...]:
    """Return the same by weeks, named by their first day."""
    return tuple(_month(name, mask, year, baseline, policy) for name, mask in _spans(year, "W"))


def alarmed(months: Sequence[Month], kind: str) -> dict[str, str]:
    """Return each column that ever moved in a way, with the first month in which it did."""
    found: dict[str, str] = {}
    for month in months:
        for move in month.moves:
            if str(move.kind) == kind:
                found.setdefault(move.column, month.name)
    return found


def _spans(year: Year, unit: str) -> Iterator[tuple[str, np.ndarray]]:
    days = (year.moments // SECONDS_A_DAY).astype(np.int64)
    if unit == "M":
        names = np.array([f"{datetime.fromtimestamp(day * SECONDS_A_DAY, UTC):%Y-%m}" for day in np.unique(days)])
        by_day = dict(zip(np.unique(days).tolist(), names.tolist(), strict=True))
        keys = np.array([by_day[day] for day in days.tolist()])
    else:
        first = days.min()
        starts = first + (days - first) // 7 * 7
        keys = np.array([f"{datetime.fromtimestamp(day * SECONDS_A_DAY, UTC):%Y-%m-%d}" for day in starts.tolist()])
    for key in np.unique(keys):
        yield str(key), keys == key


def _month(name: str, mask: np.ndarray, year: Year, baseline: Profile, policy: Policy) -> Month:
    days = len(np.unique(year.moments[mask] // SECONDS_A_DAY))
    window = count_rows(
        baseline,
        matrix=year.matrix[mask],
        defaulted=year.defaulted[mask],
        vector=year.definition.vector,
        texts={field: values[mask].tolist() for field, values in year.texts.items()},
        scores=year.scores[mask],
    )
    labels = None
    if baseline.labels is not None:
        labels = count_texts(baseline.labels, [str(label) for label in year.labels[mask].tolist()])
    comparisons = compare(baseline, window.model_copy(update={"labels": labels}), days=days)
    moves = decide_drift(comparisons, policy.watching.drift)
    return Month(
        name, int(mask.sum()), days, comparisons, moves, measure_rows(year.labels[mask], year.scores[mask], policy)
    )
