"""Estimates held against what came true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lifecycle.quality import FIGURES, Beside, Estimate, FigureName, Figures, Quality


def beside_truth(estimate: Estimate, truth: Figures) -> Mapping[FigureName, Beside]:
    """Return each estimated metric beside the one that came true of the same rows; those without an interval are out.

    >>> told = Figures(rows=1, positives=0, hours=1, brier={"value": 0.1, "low": 0.05, "high": 0.2})
    >>> true = Figures(rows=1, positives=0, hours=1, brier={"value": 0.3})
    >>> beside_truth(Estimate(figures=told, calibrated_on=900), true)["brier"].held
    False
    """
    found: dict[FigureName, Beside] = {}
    for name in FIGURES:
        told, true = estimate.figures.of(name), truth.of(name)
        if told is None or true is None or told.low is None or told.high is None:
            continue
        held = told.low <= true.value <= told.high
        found[name] = Beside(estimate=told.value, low=told.low, high=told.high, truth=true.value, held=held)
    return found


def apart(measured: Sequence[Quality]) -> tuple[Quality, ...]:
    """Return settled measurements of one version that have a record and share no answer, oldest first.

    Windows that overlap would count one storm many times, so from the newest back only those are taken that end
    before the last one taken begins.
    """
    chosen: list[Quality] = []
    for one in sorted(measured, key=lambda quality: quality.until_at, reverse=True):
        if one.detail is None or not one.detail.settled or not one.detail.record:
            continue
        if not chosen or one.until_at <= chosen[-1].since_at:
            chosen.append(one)
    return tuple(reversed(chosen))


@dataclass(frozen=True)
class Kept:
    """How often an estimate's interval held, and how far its value was off on average."""

    windows: int
    held: int
    mean_error: float
    mean_truth: float


def kept_record(measured: Sequence[Quality]) -> Mapping[FigureName, Kept]:
    """Return the record of one version's estimates over windows that share no answer."""
    windows = apart(measured)
    found: dict[FigureName, Kept] = {}
    for name in FIGURES:
        records = [one.detail.record[name] for one in windows if one.detail and name in (one.detail.record or {})]  # type: ignore[index]
        if records:
            found[name] = Kept(
                windows=len(records),
                held=sum(record.held for record in records),
                mean_error=sum(abs(record.estimate - record.truth) for record in records) / len(records),
                mean_truth=sum(record.truth for record in records) / len(records),
            )
    return found
