"""A canary's share, counted from outside over twenty thousand planes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import pytest

from lifecycle.assignment import Arm, arm_at, position
from lifecycle.plan import TrafficPlan
from tests.drills.flights import body, planes
from tests.drills.gateway import Gateway
from tests.drills.moves import advanced, canary, rolled_back
from tests.serving.conftest import flight

UNITS = 20_000
PER_REQUEST = 20
CONNECTIONS = 4
CANARY = "2"
HALF_A_POINT = 0.005
SALTED_BY = 1
"""The draw stays the same whatever ran before: one in fifty draws of so many planes is off by half a point."""

pytestmark = [
    pytest.mark.timeout(300),
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]


def test_canary_gets_its_share_of_planes_and_keeps_them(gateway: Gateway) -> None:
    """The same planes at every asking, in other company too; a larger share only adds to them."""
    tails = planes(UNITS)
    plan = gateway.change("start_canary", _canary_of_a_tenth)
    gateway.followed(plan.revision, versions=(CANARY,))
    first = _versions(gateway, tails)
    assert {tail for tail in tails if first[tail] == CANARY} == _drawn(tails, plan)
    assert abs(_share(first) - 0.1) <= HALF_A_POINT
    assert _versions(gateway, tails[::-7]).items() <= first.items()
    wider = gateway.change("advance", advanced(0.3))
    gateway.followed(wider.revision, versions=(CANARY,))
    second = _versions(gateway, tails)
    assert abs(_share(second) - 0.3) <= HALF_A_POINT
    assert all(second[tail] == CANARY for tail in tails if first[tail] == CANARY)
    gateway.followed(gateway.change("roll_back", rolled_back).revision)
    assert set(_versions(gateway, tails[:1000]).values()) == {"1"}


def _canary_of_a_tenth(plan: TrafficPlan, at: datetime) -> TrafficPlan:
    started = canary(CANARY, 0.1)(plan, at)
    assert started.canary is not None
    return replace(started, canary=replace(started.canary, first_revision=SALTED_BY))


def _drawn(tails: list[str], plan: TrafficPlan) -> set[str]:
    assert plan.canary is not None
    return {tail for tail in tails if arm_at(position(plan.salt(), tail), plan.canary.share) is Arm.CANARY}


def _versions(gateway: Gateway, tails: list[str]) -> Mapping[str, str]:
    """Return who answered each plane, each asked once."""
    asked = [tails[start : start + PER_REQUEST] for start in range(0, len(tails), PER_REQUEST)]
    with gateway.load([body([flight(tail_number=tail) for tail in some]) for some in asked], CONNECTIONS) as load:
        load.join()
    assert load.failures == []
    return {
        tail: version for one in load.answered for tail, version in zip(asked[one.number], one.versions, strict=True)
    }


def _share(versions: Mapping[str, str]) -> float:
    return sum(version == CANARY for version in versions.values()) / len(versions)
