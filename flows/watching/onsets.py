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

Moved = tuple[str, AlarmKind]


def onsets_of(engine: Engine, policy: DriftPolicy, window: Window, moves: Sequence[Move]) -> Mapping[Moved, datetime]:
    """Return the 24 hours, within the window, from which on each moved column looks moved in that way by itself.

    It is an estimate from spans of a day, which end with the window: a move within one is dated to its beginning, or
    to the beginning of the next.
    """
    onsets: dict[Moved, datetime] = {}
    ended: set[Moved] = set()
    for day in reversed(window.days()):
        counted = current_counts(engine, day.baseline, day.since, day.until)
        if counted.rows == 0:
            continue
        by_column = {one.column: one for one in compare(day.baseline.profile, counted.profile, days=1)}
        for move in moves:
            moved = (move.column, move.kind)
            if move.column not in by_column or moved in ended:
                continue
            if _looks_moved(by_column[move.column], move, policy):
                onsets[moved] = day.since
            else:
                ended.add(moved)
    return onsets


def _looks_moved(one: Comparison, move: Move, policy: DriftPolicy) -> bool:
    if move.kind is AlarmKind.MISSING:
        return abs(one.missing - one.baseline_missing) >= policy.minimum_missing
    if move.kind is AlarmKind.UNSEEN:
        return (one.unseen or 0.0) > (one.baseline_unseen or 0.0)
    return one.effect >= policy.minimum_effect
