"""Whether a batch of events may come in: which tallies, volumes and ages a limit refuses, and why.

A batch is accepted, with its few bad rows set aside, or refused as a whole. It is refused when a critical
expectation fails, when too many of its rows are bad, when there is too little of it, when the newest event is too
old, or when something could not be examined at all.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lifecycle.verdict import Finding, Verdict, worst

HOUR = 3600.0
DAY = 24 * HOUR
WEEK = 7 * DAY
WEEKS_COMPARED = 4


@dataclass(frozen=True)
class Tally:
    """What one expectation found in a batch of rows, or in the batch as a whole.

    `checked` and `failed` count rows; both are 0 for an expectation about the whole batch, which says in `held`
    whether it held. `share_tolerated` of the rows may fail a critical expectation. `error` says why it could
    not be examined.
    """

    expectation: str
    critical: bool
    held: bool
    checked: int = 0
    failed: int = 0
    share_tolerated: float = 0.0
    observed: str = ""
    expected: str = ""
    error: str | None = None


@dataclass(frozen=True)
class BadRowLimit:
    """How many rows may be bad: `rows` of any batch and `share` of its rows on top, so a small batch is no alarm."""

    rows: int
    share: float

    def of(self, batch_rows: int) -> float:
        """Return how many of so many rows may be bad."""
        return self.rows + self.share * batch_rows


@dataclass(frozen=True)
class VolumeLimit:
    """How few events are too few: fewer than `share` of the expected, less `spread` times its square root.

    Counts of independent events spread by the square root of their mean, so small counts get more room; a stream
    that comes by the clock has a spread of 0. `rows_per_day` is expected while there is no history to compare with.
    """

    share: float
    spread: float
    rows_per_day: float

    def lowest(self, expected: float) -> float:
        """Return the least count that is not refused.

        >>> VolumeLimit(share=0.65, spread=3, rows_per_day=900).lowest(900)
        495.0
        """
        return max(self.share * expected - self.spread * math.sqrt(expected), 0.0)


@dataclass(frozen=True)
class Volume:
    """Events counted over a span that ends with the window, and how many were expected; None without a history."""

    rows: int
    hours: float
    expected: float | None


@dataclass(frozen=True)
class Age:
    """Hours from the newest event to the end of the window, None when there never was one; and the limit."""

    hours: float | None
    limit_hours: float


@dataclass(frozen=True)
class Intake:
    """The decision on a batch. `reason` says what was seen, the limit, and what refused it."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    reason: str

    @property
    def accepted(self) -> bool:
        """True unless something failed or could not be examined; too little history to compare is no refusal."""
        return self.verdict in (Verdict.PASS, Verdict.INCONCLUSIVE)


def decide_intake(
    tallies: Sequence[Tally],
    *,
    rows: int,
    bad_rows: int,
    bad_row_limit: BadRowLimit,
    volume: tuple[Volume, VolumeLimit] | None = None,
    age: Age | None = None,
) -> Intake:
    """Decide on a batch of `rows` rows of which `bad_rows` failed an expectation about single rows."""
    findings = [_judge_tally(tally, bad_row_limit.rows) for tally in tallies]
    findings.append(_judge_bad_rows(tallies, rows, bad_rows, bad_row_limit))
    if volume is not None:
        findings.append(_judge_volume(*volume))
    if age is not None:
        findings.append(_judge_age(age))
    refusals = [finding for finding in findings if finding.verdict in (Verdict.FAIL, Verdict.ERROR)]
    verdict = worst(tuple(findings))
    if refusals:
        reason = "; ".join(finding.reason for finding in refusals)
    else:
        reason = f"{rows - bad_rows} of {rows} rows accepted, {bad_rows} set aside"
    return Intake(verdict=verdict, findings=tuple(findings), reason=reason)


def count_window(known_at: NDArray[np.float64], rows: int, start: float, end: float) -> tuple[int, float]:
    """Return the events to judge a window's volume by, and the hours they span.

    `known_at` are the stored events, sorted epoch seconds (n_events,); `rows` came in for [start, end). A window
    shorter than a day is judged together with what is stored of the day that ends with it: an hour alone says
    little, and clock changes shift it.
    """
    begin = _begin(start, end)
    stored = np.searchsorted(known_at, start) - np.searchsorted(known_at, begin)
    return rows + int(stored), (end - begin) / HOUR


def expected_volume(known_at: NDArray[np.float64], start: float, end: float, rows_per_day: float) -> float | None:
    """Return how many events a window is expected to bring, or None when nothing tells.

    It is the median over the same hours of the same weekdays in the last four weeks (or, for a window longer than
    a week, that many weeks apart) that the stored events, sorted epoch seconds (n_events,), cover. Without any, a
    window of a week or more is held against `rows_per_day`; a shorter one may be a stream's first, half empty.
    """
    begin, apart = _begin(start, end), _apart(start, end)
    first = known_at[0] if known_at.size else math.inf
    shifts = [week * apart for week in range(1, WEEKS_COMPARED + 1) if begin - week * apart >= first]
    if shifts:
        counts = [np.searchsorted(known_at, end - shift) - np.searchsorted(known_at, begin - shift) for shift in shifts]
        return float(np.median(counts))
    if end - start >= WEEK:
        return rows_per_day * (end - start) / DAY
    return None


def history_start(start: float, end: float) -> float:
    """Return from when stored events are needed to judge a window: all weeks compared, and one to see them whole."""
    return _begin(start, end) - (WEEKS_COMPARED + 1) * _apart(start, end)


def _begin(start: float, end: float) -> float:
    return min(start, end - DAY)


def _apart(start: float, end: float) -> float:
    return math.ceil((end - _begin(start, end)) / WEEK) * WEEK


def _judge_tally(tally: Tally, slack_rows: int) -> Finding:
    if tally.error is not None:
        reason = f"{tally.expectation} could not be examined: {tally.error}"
        return Finding(tally.expectation, Verdict.ERROR, None, None, reason)
    if not tally.critical:
        # Single rows are set aside by it; only their number together can refuse the batch.
        return Finding(tally.expectation, Verdict.PASS, tally.failed, None, f"{tally.failed} rows set aside")
    if tally.checked == 0:
        verdict = Verdict.PASS if tally.held else Verdict.FAIL
        reason = f"{tally.expectation}: found {tally.observed}, expected {tally.expected}"
        return Finding(tally.expectation, verdict, None, None, reason)
    limit = slack_rows + tally.share_tolerated * tally.checked
    reason = (
        f"{tally.expectation}: {tally.failed} of {tally.checked} rows fail, at most {limit:.0f} may "
        f"({slack_rows} and {tally.share_tolerated:.1%})"
    )
    verdict = Verdict.FAIL if tally.failed > limit else Verdict.PASS
    return Finding(tally.expectation, verdict, tally.failed, limit, reason)


def _judge_bad_rows(tallies: Sequence[Tally], rows: int, bad_rows: int, limit: BadRowLimit) -> Finding:
    allowed = limit.of(rows)
    failed = [tally for tally in tallies if tally.failed and not tally.critical]
    failed.sort(key=lambda tally: tally.failed, reverse=True)
    named = ", ".join(f"{tally.expectation} ({tally.failed})" for tally in failed)
    reason = f"{bad_rows} of {rows} rows are bad, at most {allowed:.0f} may be ({limit.rows} and {limit.share:.1%})"
    verdict = Verdict.FAIL if bad_rows > allowed else Verdict.PASS
    return Finding("bad-rows", verdict, bad_rows, allowed, f"{reason}: {named}" if named else reason)


def _judge_volume(volume: Volume, limit: VolumeLimit) -> Finding:
    if volume.expected is None:
        reason = f"{volume.rows} events in {volume.hours:.0f} h; no earlier weeks to compare with yet"
        return Finding("volume", Verdict.INCONCLUSIVE, volume.rows, None, reason)
    lowest = limit.lowest(volume.expected)
    reason = (
        f"volume: {volume.rows} events in {volume.hours:.0f} h, at least {lowest:.0f} are required where "
        f"{volume.expected:.0f} are expected; find the missing ones, or lower the limit if the world has changed"
    )
    verdict = Verdict.FAIL if volume.rows < lowest else Verdict.PASS
    return Finding("volume", verdict, volume.rows, lowest, reason)


def _judge_age(age: Age) -> Finding:
    if age.hours is None:
        reason = f"freshness: no event has ever come; the limit is {age.limit_hours:g} h"
        return Finding("freshness", Verdict.INCONCLUSIVE, None, age.limit_hours, reason)
    reason = f"freshness: the newest event is {age.hours:.1f} h old at the window's end, at most {age.limit_hours:g} h"
    verdict = Verdict.FAIL if age.hours > age.limit_hours else Verdict.PASS
    return Finding("freshness", verdict, age.hours, age.limit_hours, reason)
