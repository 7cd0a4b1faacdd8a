"""A quarantined row moves only as the table says."""

from itertools import product

import pytest

from lifecycle.errors import TransitionRefused
from lifecycle.quarantine import RowState, require_move

ALLOWED = {
    (RowState.WAITING, RowState.ASKED),
    (RowState.ASKED, RowState.ASKED),
    (RowState.ASKED, RowState.WAITING),
    (RowState.ASKED, RowState.READMITTED),
}


@pytest.mark.parametrize(("state", "to"), list(product(RowState, RowState)))
def test_only_listed_moves_are_made(state: RowState, to: RowState) -> None:
    """Nothing gets in that nobody asked for, and what is in stays in."""
    if (state, to) in ALLOWED:
        require_move("4f2a", state, to)
    else:
        with pytest.raises(TransitionRefused, match=f"row 4f2a is {state} and cannot become {to}"):
            require_move("4f2a", state, to)
