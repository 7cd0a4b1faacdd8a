"""A scene of the toy on an empty ledger, told to a terminal that can be read."""

from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console

from flows.playing.plan import plan_play
from flows.playing.scene import Scene
from stores.ledger.opening import open_ledger
from stores.settings import Settings
from tests.flows import toy

LIVE = toy.START + timedelta(days=10)


@pytest.fixture
def said() -> StringIO:
    """Return what was printed."""
    return StringIO()


@pytest.fixture
def scene(home: Settings, said: StringIO) -> Scene:
    """Return the toy's scene with its traffic about to begin."""
    play = plan_play(toy.DEFINITION, None, history_days=10, live_days=3)
    return Scene(play, home, open_ledger(home.ledger_address), Console(file=said, width=400))
