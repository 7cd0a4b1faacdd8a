"""A plan's next revision keeps the way back, and one version at a time in each arm."""

from datetime import UTC, datetime, timedelta

import pytest

from lifecycle.errors import TransitionRefused
from lifecycle.plan import TrafficPlan, empty_plan

NOW = datetime(2013, 4, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=5)


def served() -> TrafficPlan:
    """Return a plan of champion 2 with 1 as its way back."""
    return empty_plan("m").promote("1", NOW).promote("2", NOW)


def test_promoting_keeps_the_former_champion_as_previous() -> None:
    """The last good version stays one step away."""
    plan = served()
    assert (plan.revision, plan.champion, plan.previous, plan.versions()) == (2, "2", "1", ("2", "1"))


def test_promoting_the_champion_again_is_refused() -> None:
    """A second run of one promotion would lose the way back."""
    with pytest.raises(TransitionRefused, match="already is champion"):
        empty_plan("m").promote("1", NOW).promote("1", NOW)


def test_rolling_back_leaves_no_way_back_to_what_failed() -> None:
    """A second roll back must not bring the bad version again."""
    plan = served().roll_back(LATER)
    assert (plan.champion, plan.previous, plan.champion_since_at) == ("1", None, LATER)
    with pytest.raises(TransitionRefused, match="no previous champion"):
        plan.roll_back(LATER)


def test_canary_steps_keep_their_salt_and_begin_their_evidence_anew() -> None:
    """A later step only adds units, and earns its own evidence."""
    first = served().start_shadow("3", NOW).start_canary(0.1, NOW)
    second = first.advance_canary(0.5, LATER)
    assert first.canary is not None
    assert second.canary is not None
    assert first.salt() == second.salt()
    assert (second.canary.step, second.canary.since_revision, second.canary.since_at) == (1, second.revision, LATER)
    assert second.versions() == ("2", "1", "3")


def test_canary_step_that_does_not_rise_is_refused() -> None:
    """Units are only ever added."""
    plan = served().start_shadow("3", NOW).start_canary(0.1, NOW)
    with pytest.raises(TransitionRefused, match=r"must rise: 0\.1 after 0\.1"):
        plan.advance_canary(0.1, LATER)


def test_second_version_in_an_arm_is_refused() -> None:
    """One shadow and one canary at a time, and both may stand together."""
    plan = served().start_shadow("3", NOW)
    with pytest.raises(TransitionRefused, match="in shadow already"):
        plan.start_shadow("4", NOW)
    both = plan.start_canary(0.1, NOW).start_shadow("4", NOW)
    with pytest.raises(TransitionRefused, match="is the canary already"):
        both.start_canary(0.1, NOW)


def test_arm_that_is_empty_cannot_end() -> None:
    """A move that means nothing is refused and not ignored."""
    for move in (TrafficPlan.end_shadow, TrafficPlan.end_canary, TrafficPlan.salt):
        with pytest.raises(TransitionRefused, match=r"has no (version in shadow|canary)"):
            move(served())


def test_new_champion_begins_the_other_arms_evidence_anew() -> None:
    """What was compared with the old champion proves nothing beside the new one."""
    plan = served().start_shadow("3", NOW).start_canary(0.1, NOW).start_shadow("4", NOW)
    back = plan.roll_back(LATER)
    assert back.canary is not None
    assert back.shadow is not None
    assert (back.canary.since_revision, back.canary.since_at) == (back.revision, LATER)
    assert (back.shadow.since_revision, back.shadow.since_at) == (back.revision, LATER)
    assert plan.promote("3", LATER).canary is None


def test_resuming_gives_the_full_time_anew_and_keeps_the_evidence() -> None:
    """A person who resumes does not meet the same page a second later."""
    plan = served().start_shadow("3", NOW).pin("let me look")
    assert (plan.held, plan.pinned) == ("let me look", True)
    resumed = plan.resume(LATER)
    assert (resumed.held, resumed.pinned) == (None, False)
    assert resumed.shadow is not None
    assert plan.shadow is not None
    assert (resumed.shadow.since_at, resumed.shadow.since_revision) == (LATER, plan.shadow.since_revision)
    with pytest.raises(TransitionRefused, match="is not held"):
        resumed.resume(LATER)
