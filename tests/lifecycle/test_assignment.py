"""Who is in the canary: the planned share, always the same units, others in the next rollout."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.assignment import Arm, arm_at, position

UNITS = 20_000
SALTS = st.text(min_size=1, max_size=30)
SHARES = st.floats(min_value=0.001, max_value=0.5)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(salt=SALTS, share=SHARES)
def test_share_of_the_units_is_the_planned_one_for_every_salt(salt: str, share: float) -> None:
    """No salt draws more units than chance explains, for the canary or its control group."""
    arms = [arm_at(position(salt, f"unit-{number}"), share) for number in range(UNITS)]
    # At a share of one half, half a point is only 1.4 standard errors; any salt stays within five.
    allowed = 5 * (share * (1 - share) / UNITS) ** 0.5
    assert abs(arms.count(Arm.CANARY) / UNITS - share) <= allowed
    assert abs(arms.count(Arm.CONTROL) / UNITS - share) <= allowed


def test_steps_of_a_rollout_take_their_share_within_half_a_point() -> None:
    """The shares that policies use, over 20,000 units of one rollout."""
    places = [position("flight_delay/7/12", f"N{number}") for number in range(UNITS)]
    for share in (0.01, 0.05, 0.1, 0.25, 0.5):
        for arm in (Arm.CANARY, Arm.CONTROL):
            seen = sum(arm_at(place, share) is arm for place in places) / UNITS
            assert abs(seen - share) <= 0.005


@given(salt=SALTS, unit=st.text(), lower=SHARES, higher=SHARES)
def test_raising_the_share_only_adds_units(salt: str, unit: str, lower: float, higher: float) -> None:
    """Whoever was in the canary or its control group stays there."""
    lower, higher = min(lower, higher), max(lower, higher)
    place = position(salt, unit)
    before, after = arm_at(place, lower), arm_at(place, higher)
    assert before is Arm.CHAMPION or before is after


@given(place=st.floats(min_value=0, max_value=1, exclude_max=True), share=SHARES)
def test_control_group_never_meets_the_canary(place: float, share: float) -> None:
    """A unit is in one of the two at most, at a share of one half too."""
    canary, control = place < share, place >= 1.0 - share
    assert not (canary and control)
    assert (arm_at(place, share) is Arm.CANARY) == canary


def test_another_rollout_draws_other_units() -> None:
    """Two salts agree on a unit as often as independent draws do."""
    share = 0.2
    both = sum(
        position("m/2/7", f"u{number}") < share and position("m/3/9", f"u{number}") < share for number in range(UNITS)
    )
    assert abs(both / UNITS - share * share) <= 0.005


@given(salt=SALTS, unit=st.text())
def test_position_is_within_its_range_and_repeats(salt: str, unit: str) -> None:
    """Any text is a unit."""
    assert 0.0 <= position(salt, unit) < 1.0
    assert position(salt, unit) == position(salt, unit)
