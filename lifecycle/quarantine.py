"""The states of a row that was set aside, and the moves between them."""

from enum import StrEnum

from lifecycle.errors import TransitionRefused


class RowState(StrEnum):
    """Where a quarantined row stands."""

    WAITING = "waiting"
    """Set aside, or refused again when somebody asked for it."""
    ASKED = "asked"
    """Somebody asked to let it in; the next examination settles it."""
    READMITTED = "readmitted"
    """Among the events, for good."""


MOVES: dict[RowState, tuple[RowState, ...]] = {
    RowState.WAITING: (RowState.ASKED,),
    # Asking again is allowed: the first asker's run may have died.
    RowState.ASKED: (RowState.ASKED, RowState.WAITING, RowState.READMITTED),
    RowState.READMITTED: (),
}


def require_move(row: str, state: RowState, to: RowState) -> None:
    """Raise TransitionRefused unless a row may go from one state to the other.

    >>> require_move("4f2a", RowState.READMITTED, RowState.ASKED)
    Traceback (most recent call last):
        ...
    lifecycle.errors.TransitionRefused: row 4f2a is readmitted and cannot become asked; allowed from there: nothing
    """
    allowed = MOVES[state]
    if to not in allowed:
        names = ", ".join(allowed) or "nothing"
        raise TransitionRefused(f"row {row} is {state} and cannot become {to}; allowed from there: {names}")
