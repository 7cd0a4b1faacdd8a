"""What has moved: features, categories and scores as they were served, and outcomes as they came."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Engine

from flows.watching.counts import Counted, current_counts
from flows.watching.onsets import onsets_of
from flows.watching.outcomes import Outcomes
from flows.watching.window import Window, filled_days, whole_days
from lifecycle.alarms import AlarmKind, Concern, Matter
from lifecycle.drift.comparing import compare
from lifecycle.drift.comparison import Comparison
from lifecycle.drift.deciding import decide_drift
from lifecycle.drift.move import Move
from lifecycle.drift.texts import compare_texts
from lifecycle.looking import KINDS, Seen, concern_of
from lifecycle.verdict import Finding, Verdict
from lifecycle.watching_policy import DriftPolicy, Follows
from stores.ledger.baselines import Baseline

VANISHED = 0.9
"""Of the rows: so much may be missing of nothing that was mostly there, on whatever weekday."""
MOSTLY_THERE = 0.5
LABEL = "label"


@dataclass(frozen=True)
class Moves:
    """What a window was compared by, what of it moved, and the word on it."""

    counted: Counted
    comparisons: tuple[Comparison, ...]
    seen: Seen


def see_moves(
    engine: Engine,
    policy: DriftPolicy,
    window: Window,
    outcomes: Outcomes | None,
    hidden: frozenset[str] = frozenset(),
) -> Moves:
    """Return how a window's answers stand to a version's baseline, and outcomes to those it learned from.

    Only whole days up to the last counted hour are compared: a morning is no fair sample of days, whatever moved. Nor
    are a few days one of weeks, so before the window is full only what is plain on any day counts. Columns that the
    log has `hidden` values of are not compared: what it keeps of them says nothing of the world.
    """
    window = whole_days(engine, window)
    counted = _counted(engine, window)
    comparisons = tuple(
        one for one in _compared(window.baseline, counted, outcomes) if one.column not in hidden or one.what == "label"
    )
    if not any(one.rows >= policy.minimum_rows for one in comparisons):
        told = (
            f"{counted.rows:,} answers in {counted.days} whole days up to {window.until:%Y-%m-%d %H:%M}; "
            f"minimum_rows is {policy.minimum_rows:,}"
        )
        thin = Finding("drift", Verdict.INCONCLUSIVE, counted.rows, policy.minimum_rows, told)
        return Moves(counted, comparisons, Seen("drift", (thin,)))
    whole = window.covers(policy.window_hours, counted.days)
    moves = tuple(move for move in decide_drift(comparisons, policy) if whole or _plain(move, comparisons))
    findings = (
        *(_failed(move) for move in moves),
        *(_passed(comparisons, moves, policy) if whole else [_waiting(counted, policy)]),
    )
    seen = Seen("drift", findings, _concerns(engine, policy, window, moves), whole, _passed_over(comparisons, policy))
    return Moves(counted, comparisons, seen)


def _counted(engine: Engine, window: Window) -> Counted:
    """Return a window's counts, as of the spans of 24 hours that hold any, not of the dates they fall on."""
    counted = current_counts(engine, window.baseline, window.since, window.until)
    days = filled_days(engine, window)
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
        LABEL, "label", then, outcomes.counts, days=outcomes.days, baseline_days=baseline.profile.days
    )
    return (*found, labels)


def _plain(move: Move, comparisons: Sequence[Comparison]) -> bool:
    """Return whether a move is one on whatever weekdays: outcomes have their own window, and come from events."""
    if move.kind in (AlarmKind.LABELS, AlarmKind.UNSEEN):
        return True
    if move.kind is not AlarmKind.MISSING:
        return False
    one = next(one for one in comparisons if one.column == move.column)
    return one.missing >= VANISHED and one.baseline_missing <= MOSTLY_THERE


def _failed(move: Move) -> Finding:
    return Finding(f"{move.kind}:{move.column}", Verdict.FAIL, move.value, move.limit, move.reason)


def _passed(comparisons: Sequence[Comparison], moves: Sequence[Move], policy: DriftPolicy) -> list[Finding]:
    moved = {move.column for move in moves}
    return [
        Finding(
            f"drift:{one.column}",
            Verdict.PASS,
            one.effect,
            policy.minimum_effect,
            f"{one.column}: PSI beyond chance is {one.effect:.3f} over {one.rows:,} rows{_doubt(one, policy)}",
        )
        for one in comparisons
        if one.column not in moved and one.rows >= policy.minimum_rows
    ]


def _doubt(one: Comparison, policy: DriftPolicy) -> str:
    """Return why a large distance is no move."""
    if one.effect < policy.minimum_effect or one.moved is None:
        return ""
    return (
        f", worth {one.effective_rows:,.0f} independent ones: not certain, since days differ as much by chance with a "
        f"probability of {one.moved.blocked_p_value:.2g}, and over all that a look compares "
        f"{policy.false_alarm_rate:g} is the most that counts"
    )


def _passed_over(comparisons: Sequence[Comparison], policy: DriftPolicy) -> frozenset[Matter]:
    """Return what was compared by too little, and outcomes where none were."""
    thin = {one.column for one in comparisons if one.rows < policy.minimum_rows}
    if all(one.what != "label" for one in comparisons):
        thin.add(LABEL)
    return frozenset((kind, column) for column in thin for kind in KINDS["drift"])


def _waiting(counted: Counted, policy: DriftPolicy) -> Finding:
    told = (
        f"there are answers of {counted.days} whole days, and weekdays differ: until they cover "
        f"{policy.window_hours:g} h, nothing is called moved but what has vanished, what was never seen, and outcomes"
    )
    return Finding("drift", Verdict.INCONCLUSIVE, counted.days * 24.0, policy.window_hours, told)


def _concerns(engine: Engine, policy: DriftPolicy, window: Window, moves: Sequence[Move]) -> tuple[Concern, ...]:
    onsets = onsets_of(engine, policy, window, moves) if moves else {}
    return tuple(
        concern_of(
            _failed(move),
            move.kind,
            move.column,
            _follows(move, policy),
            onsets.get((move.column, move.kind), window.until),
        )
        for move in moves
    )


def _follows(move: Move, policy: DriftPolicy) -> Follows:
    # What features alone are worth is weighed once the whole look is known; see lifecycle/looking.py.
    if move.kind is AlarmKind.UNSEEN and move.value - move.limit < policy.minimum_missing:
        # A new destination in summer: true, and no matter for anybody at night.
        return "note"
    # What is missing or was never seen calls for a person: no training mends a join that was dropped.
    return "alarm" if move.kind in (AlarmKind.MISSING, AlarmKind.UNSEEN) else policy.then
