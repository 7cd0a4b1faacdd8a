"""What has moved: features, categories and scores as they were served, and outcomes as they came."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Engine

from flows.watching.counts import Counted, current_counts
from flows.watching.outcomes import Outcomes
from lifecycle.alarms import AlarmKind
from lifecycle.drift.comparing import compare
from lifecycle.drift.comparison import Comparison
from lifecycle.drift.deciding import decide_drift
from lifecycle.drift.move import Move
from lifecycle.drift.texts import compare_texts
from lifecycle.looking import Seen, concern_of
from lifecycle.verdict import Finding, Verdict
from lifecycle.watching_policy import DriftPolicy, Follows
from stores.ledger.baselines import Baseline
from stores.ledger.profiles import Profiles

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
QUIET_NIGHT = 0.25
"""Of a day: so long nobody may ask at its ends, and it counts as whole."""


@dataclass(frozen=True)
class Window:
    """The hours that a look is about, [since, until) in event time, and the baseline they are held against."""

    baseline: Baseline
    since: datetime
    until: datetime

    def days(self) -> list["Window"]:
        """Return its spans of 24 hours in order, the first perhaps cut short."""
        ends = [self.until - number * DAY for number in range(math.ceil((self.until - self.since) / DAY))]
        return [Window(self.baseline, max(end - DAY, self.since), end) for end in reversed(ends)]


@dataclass(frozen=True)
class Moves:
    """What a window was compared by, what of it moved, and the word on it."""

    counted: Counted
    comparisons: tuple[Comparison, ...]
    seen: Seen


def see_moves(engine: Engine, policy: DriftPolicy, window: Window, outcomes: Outcomes | None) -> Moves:
    """Return how a window's answers stand to a version's baseline, and outcomes to those it learned from.

    Only whole days up to the last counted hour are compared: a morning is no fair sample of days, whatever moved.
    """
    window = whole_days(engine, window)
    counted = _counted(engine, window)
    comparisons = _compared(window.baseline, counted, outcomes)
    moves = decide_drift(comparisons, policy)
    if not any(one.rows >= policy.minimum_rows for one in comparisons):
        told = (
            f"{counted.rows:,} answers in {counted.days} whole days up to {window.until:%Y-%m-%d %H:%M}; "
            f"minimum_rows is {policy.minimum_rows:,}"
        )
        thin = Finding("drift", Verdict.INCONCLUSIVE, counted.rows, policy.minimum_rows, told)
        return Moves(counted, comparisons, Seen("drift", (thin,)))
    onsets = _onsets(engine, policy, window, moves) if moves else {}
    findings = tuple(_finding(one, moves, policy) for one in comparisons if one.rows >= policy.minimum_rows)
    failed = {
        move: Finding(f"{move.kind}:{move.column}", Verdict.FAIL, move.value, move.limit, move.reason) for move in moves
    }
    concerns = tuple(
        concern_of(failed[move], move.kind, move.column, _follows(move, policy), onsets.get(move.column, window.until))
        for move in moves
    )
    return Moves(counted, comparisons, Seen("drift", (*failed.values(), *(one for one in findings if one)), concerns))


def whole_days(engine: Engine, window: Window) -> Window:
    """Return the part of a window that holds whole days of answers and ends with its last counted hour.

    It is empty when there are answers of less than three quarters of a day: where nights are quiet, that is a day.
    """
    rows = Profiles(engine).rows(window.baseline.model, window.baseline.version, window.since, window.until)
    hours = [hour for hour, count in rows.items() if count]
    if not hours:
        return replace(window, since=window.until)
    until = min(max(hours) + HOUR, window.until)
    days = math.floor((until - min(hours)) / DAY + QUIET_NIGHT)
    return replace(window, since=max(until - days * DAY, window.since), until=until)


def _counted(engine: Engine, window: Window) -> Counted:
    """Return a window's counts, as of so many spans of 24 hours, not of the dates they fall on."""
    counted = current_counts(engine, window.baseline, window.since, window.until)
    days = math.ceil((window.until - window.since) / DAY)
    profile = counted.profile.model_copy(update={"days": days, "score_days": days})
    return replace(counted, profile=profile, days=days)


def _compared(baseline: Baseline, counted: Counted, outcomes: Outcomes | None) -> tuple[Comparison, ...]:
    if counted.rows == 0:
        return ()
    found = compare(baseline.profile, counted.profile, days=counted.days)
    then = baseline.profile.labels
    if outcomes is None or then is None:
        return found
    labels = compare_texts(
        "label", "label", then, outcomes.counts, days=outcomes.days, baseline_days=baseline.profile.days
    )
    return (*found, labels)


def _finding(one: Comparison, moves: Sequence[Move], policy: DriftPolicy) -> Finding | None:
    """Return the finding of a column that did not move, None for one that did."""
    if any(move.column == one.column for move in moves):
        return None
    told = f"{one.column}: PSI beyond chance is {one.effect:.3f} over {one.rows:,} rows"
    return Finding(f"drift:{one.column}", Verdict.PASS, one.effect, policy.minimum_effect, told)


def _follows(move: Move, policy: DriftPolicy) -> Follows:
    # What features alone are worth is weighed once the whole look is known; see lifecycle/looking.py.
    if move.kind is AlarmKind.UNSEEN and move.value - move.limit < policy.minimum_missing:
        # A new destination in summer: true, and no matter for anybody at night.
        return "note"
    # What is missing or was never seen calls for a person: no training mends a join that was dropped.
    return "alarm" if move.kind in (AlarmKind.MISSING, AlarmKind.UNSEEN) else policy.then


def _onsets(engine: Engine, policy: DriftPolicy, window: Window, moves: Sequence[Move]) -> Mapping[str, datetime]:
    """Return the 24 hours, within the window, from which on each moved column looks moved by itself.

    It is an estimate from spans of a day, which end with the window: a move within one is dated to its beginning, or
    to the beginning of the next.
    """
    onsets: dict[str, datetime] = {}
    ended: set[str] = set()
    for day in reversed(window.days()):
        counted = current_counts(engine, day.baseline, day.since, day.until)
        if counted.rows == 0:
            continue
        by_column = {one.column: one for one in compare(day.baseline.profile, counted.profile, days=1)}
        for move in moves:
            if move.column not in by_column or move.column in ended:
                continue
            if _looks_moved(by_column[move.column], move, policy):
                onsets[move.column] = day.since
            else:
                ended.add(move.column)
    return onsets


def _looks_moved(one: Comparison, move: Move, policy: DriftPolicy) -> bool:
    if move.kind is AlarmKind.MISSING:
        return abs(one.missing - one.baseline_missing) >= policy.minimum_missing
    if move.kind is AlarmKind.UNSEEN:
        return (one.unseen or 0.0) > (one.baseline_unseen or 0.0)
    return (one.psi or 0.0) - (one.expected_psi or 0.0) >= policy.minimum_effect
