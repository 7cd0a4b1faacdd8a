"""The moves between stages: those in the table, and no others."""

from itertools import product

import pytest

from lifecycle.errors import TransitionRefused
from lifecycle.stages import TRANSITIONS, Stage, move

PAIRS = list(product(Stage, Stage))
ALLOWED = {
    ("registered", "shadow"),
    ("registered", "rejected"),
    ("registered", "champion"),
    ("shadow", "canary"),
    ("shadow", "held"),
    ("shadow", "rejected"),
    ("shadow", "champion"),
    ("canary", "canary"),
    ("canary", "held"),
    ("canary", "rolled_back"),
    ("canary", "champion"),
    ("held", "shadow"),
    ("held", "canary"),
    ("held", "rejected"),
    ("held", "rolled_back"),
    ("held", "champion"),
    ("champion", "retired"),
    ("champion", "rolled_back"),
    ("retired", "champion"),
    ("rolled_back", "champion"),
}


@pytest.mark.parametrize(("stage", "to"), [pair for pair in PAIRS if pair in ALLOWED])
def test_listed_move_returns_the_new_stage(stage: Stage, to: Stage) -> None:
    """A move in the table gives the stage it leads to."""
    assert move(stage, to) is to


@pytest.mark.parametrize(("stage", "to"), [pair for pair in PAIRS if pair not in ALLOWED])
def test_unlisted_move_is_refused(stage: Stage, to: Stage) -> None:
    """Every other pair raises, naming both stages."""
    with pytest.raises(TransitionRefused, match=f"a {stage} version cannot become {to}"):
        move(stage, to)


def test_refusal_names_the_moves_there_are() -> None:
    """The message says what is allowed instead, also where that is nothing."""
    with pytest.raises(TransitionRefused, match="allowed from registered: shadow, champion, rejected"):
        move(Stage.REGISTERED, Stage.RETIRED)
    with pytest.raises(TransitionRefused, match="allowed from rejected: nothing"):
        move(Stage.REJECTED, Stage.CHAMPION)


def test_table_holds_every_allowed_move() -> None:
    """This list and the table agree, so neither grows unseen."""
    assert {(str(stage), str(to)) for stage, to in TRANSITIONS} == ALLOWED
