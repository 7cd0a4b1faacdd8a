"""Since when each column has moved: an estimate from spans of a day."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Engine

from flows.watching.counts import current_counts
from flows.watching.window import Window
from lifecycle.alarms import AlarmKind
from lifecycle.drift.comparing import compare
from lifecycle.drift.comparison import Comparison
from lifecycle.drift.move import Move
from lifecycle.watching_policy import DriftPolicy


def onsets_of(engine: Engine, policy: DriftPolicy, window: Window, moves: Sequence[Move]) -> Mapping[str, datetime]:
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
    return one.effect >= policy.minimum_effect
