"""A play goes on where the last one stopped, and never past the source."""

from dataclasses import replace
from datetime import timedelta

import pytest

from flows.playing.plan import plan_play
from lifecycle.errors import InvalidInput
from tests.flows.toy import DEFINITION, START


def test_the_first_play_learns_from_the_sources_start() -> None:
    """History first, then the live days, on whole days."""
    play = plan_play(DEFINITION, None, history_days=10, live_days=3)
    assert (play.start, play.history_end, play.live_end) == (
        START,
        START + timedelta(days=10),
        START + timedelta(days=13),
    )


def test_a_history_that_ends_within_a_day_is_played_to_its_midnight() -> None:
    """Live days begin with a day."""
    moved = START + timedelta(hours=10), START + timedelta(days=20)
    play = plan_play(replace(DEFINITION, source_range=moved), None, history_days=1, live_days=1)
    assert play.history_end == START + timedelta(days=2)


def test_the_next_play_goes_on_from_the_clock() -> None:
    """A second run is the next days, not the same ones."""
    play = plan_play(DEFINITION, START + timedelta(days=13), history_days=10, live_days=3)
    assert play.live_end == START + timedelta(days=16)


def test_a_play_past_the_sources_end_is_refused() -> None:
    """The message says where the source ends and what to do."""
    with pytest.raises(InvalidInput, match="ends at 2020-01-21, but the play would go on to 2020-01-22"):
        plan_play(DEFINITION, START + timedelta(days=19), history_days=10, live_days=2)


def test_only_the_play_whose_traffic_follows_the_history_is_the_first() -> None:
    """Also when the learning was done by an earlier run that ended before any traffic."""
    history_end = START + timedelta(days=10)
    assert plan_play(DEFINITION, None, history_days=10, live_days=3).first
    assert plan_play(DEFINITION, history_end, history_days=10, live_days=3).first
    assert not plan_play(DEFINITION, history_end + timedelta(hours=1), history_days=10, live_days=3).first
