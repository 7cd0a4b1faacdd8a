"""What a version's windows of scores looked like, and the limits that follow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.errors import InvalidInput
from lifecycle.outputs import OutputsProfile, log_odds, output_limits, profile_outputs
from lifecycle.watching_policy import OutputsPolicy
from tests.lifecycle.scores import PER_DAY, moments_of, scores_of

POLICY = OutputsPolicy(window_answers=200, false_alarm_every_days=365, cool_down_seconds=60, capture_rows=500)


def profiled(scores: np.ndarray) -> OutputsProfile:
    """Return the baseline of scores in order."""
    profile = profile_outputs(scores, moments_of(scores))
    assert profile is not None
    return profile


def test_baseline_knows_the_traffic_and_survives_json() -> None:
    """Rows per day come from the moments, and what is stored reads back equal."""
    profile = profiled(scores_of(30, seed=1))
    assert profile.rows_per_day == pytest.approx(PER_DAY, rel=0.01)
    assert OutputsProfile.model_validate_json(profile.model_dump_json()) == profile


def test_order_of_the_rows_makes_no_difference() -> None:
    """Moments say what came after what."""
    scores = scores_of(3, seed=1)
    order = np.random.default_rng(0).permutation(len(scores))
    assert profile_outputs(scores[order], moments_of(scores)[order]) == profiled(scores)


def test_every_window_of_the_baseline_itself_is_within_the_limits() -> None:
    """Storms are no fault of a version."""
    scores = scores_of(30, seed=2)
    profile = profiled(scores)
    limits = output_limits(profile, POLICY)
    assert limits is not None
    values = log_odds(scores, limits.low, limits.high)
    windows = np.lib.stride_tricks.sliding_window_view(values, limits.window_answers)[::10]
    assert (windows.mean(axis=1) > limits.mean_low).all()
    assert (windows.mean(axis=1) < limits.mean_high).all()
    assert (windows.std(axis=1) > limits.spread_low).all()
    assert (windows.std(axis=1) < limits.spread_high).all()


def test_rarer_false_alarms_need_wider_limits() -> None:
    """What is asked of the policy is what is given."""
    profile = profiled(scores_of(30, seed=2))
    often = output_limits(profile, POLICY.model_copy(update={"false_alarm_every_days": 30.0}))
    seldom = output_limits(profile, POLICY.model_copy(update={"false_alarm_every_days": 3650.0}))
    assert often is not None
    assert seldom is not None
    assert seldom.mean_low < often.mean_low < often.mean_high < seldom.mean_high
    assert seldom.spread_low < often.spread_low < often.spread_high < seldom.spread_high


def test_constant_scores_of_a_healthy_version_leave_no_room_for_a_collapse() -> None:
    """Where every window of the baseline is constant, a constant is no news, but anything else is."""
    limits = output_limits(profiled(np.full(20_000, 0.3)), POLICY)
    assert limits is not None
    assert limits.spread_low < 0.001
    assert limits.spread_high == pytest.approx(0.1, abs=0.01)


def test_thin_baseline_gives_no_limits() -> None:
    """Twenty windows say how much they differ; fewer do not."""
    assert output_limits(profiled(scores_of(5, seed=1)[:3990]), POLICY) is None
    assert output_limits(profiled(scores_of(5, seed=1)[:4010]), POLICY) is not None
    assert profile_outputs(np.full(9, 0.5), np.arange(9.0)) is None


def test_long_baseline_keeps_four_thousand_blocks_and_widens_the_window() -> None:
    """The baseline of a busy model does not grow without end; a window is one block at least."""
    profile = profiled(np.random.default_rng(0).random(1_000_000))
    assert (profile.block_rows, len(profile.sums)) == (250, 4000)
    limits = output_limits(profile, POLICY)
    assert limits is not None
    assert limits.window_answers == 250


@pytest.mark.parametrize("odd", [-0.1, 1.1, float("nan")])
def test_score_that_is_no_probability_is_refused(odd: float) -> None:
    """A baseline of nonsense would excuse nonsense."""
    with pytest.raises(InvalidInput, match="no probability"):
        profile_outputs(np.array([0.5] * 10 + [odd]), np.arange(11.0))


def test_certain_scores_are_finite() -> None:
    """0 and 1 are probabilities, too."""
    profile = profiled(np.tile([0.0, 1.0], 3000))
    assert np.isfinite([profile.low, profile.high, *profile.sums, *profile.squares]).all()


@given(st.floats(0, 1), st.floats(-20, -0.1), st.floats(0.1, 20))
def test_log_odds_stay_in_range(score: float, low: float, high: float) -> None:
    """Whatever is answered, one answer weighs little."""
    (value,) = log_odds(np.array([score]), low, high).tolist()
    assert low - 1e-6 <= value <= high + 1e-6


def test_a_rate_that_switches_the_breaker_off_is_a_limit_like_any_other() -> None:
    """Floats cannot tell so small a chance from none by its complement."""
    profile = profiled(scores_of(30, seed=2))
    seldom = output_limits(profile, POLICY.model_copy(update={"false_alarm_every_days": 3650.0}))
    never = output_limits(profile, POLICY.model_copy(update={"false_alarm_every_days": 1e15}))
    assert seldom is not None
    assert never is not None
    assert never.mean_low < seldom.mean_low
