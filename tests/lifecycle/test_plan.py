"""A plan's next revision keeps the way back."""

from datetime import UTC, datetime

import pytest

from lifecycle.errors import TransitionRefused
from lifecycle.plan import empty_plan

NOW = datetime(2013, 4, 1, tzinfo=UTC)


def test_promoting_keeps_the_former_champion_as_previous() -> None:
    """The last good version stays one step away."""
    plan = empty_plan("m").promote("1", NOW).promote("2", NOW)
    assert (plan.revision, plan.champion, plan.previous, plan.versions()) == (2, "2", "1", ("2", "1"))


def test_promoting_the_champion_again_is_refused() -> None:
    """A second run of one promotion would lose the way back."""
    with pytest.raises(TransitionRefused, match="already is champion"):
        empty_plan("m").promote("1", NOW).promote("1", NOW)
