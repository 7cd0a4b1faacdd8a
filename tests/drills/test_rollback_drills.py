"""Again and again a bad version is taken back while clients are asking."""

import time

import numpy as np
import pytest

from lifecycle.plan import TrafficPlan
from tests.drills.flights import mixed_bodies
from tests.drills.gateway import Gateway
from tests.drills.load import Load, endless
from tests.drills.moves import canary, promoted, rolled_back
from tests.drills.sizes import size
from tests.serving.test_server import until

DRILLS = size(full=100, usual=40)
CONNECTIONS = 24
PER_SECOND = 400.0
LIMIT_SECONDS = 1.0
GOOD, BAD = "1", "2"
SEEN_ANSWERS = 20
"""A version answers in earnest before it is taken back."""
DRAIN_SECONDS = 0.1
"""What was under way when the last replica had followed is received by then."""

pytestmark = [
    pytest.mark.timeout(600),
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]


def test_rollbacks_under_load_end_the_bad_version_within_a_second(gateway: Gateway) -> None:
    """From before the commit to the last answer received from the bad version; nothing fails and nothing restarts."""
    before = set(gateway.replicas())
    took: list[float] = []
    with gateway.load(endless(mixed_bodies(4000)), CONNECTIONS, PER_SECOND) as load:
        for drill in range(DRILLS):
            move = promoted(BAD) if drill % 2 == 0 else canary(BAD, 0.5)
            bad = gateway.change("a bad version", move)
            gateway.followed(bad.revision, versions=(GOOD, BAD))
            _wait_for_bad_answers(load, bad)
            took.append(_taken_back(gateway, load))
    assert load.failures == []
    assert set(gateway.replicas()) == before
    _tell(took, len(load.answered))
    assert float(np.quantile(took, 0.99, method="inverted_cdf")) <= LIMIT_SECONDS


def _wait_for_bad_answers(load: Load, plan: TrafficPlan) -> None:
    seen_from = len(load.answered)
    until(lambda: sum(BAD in one.versions for one in load.answered[seen_from:]) >= SEEN_ANSWERS, 60)
    assert load.answered[-1].plan_revision == plan.revision


def _taken_back(gateway: Gateway, load: Load) -> float:
    """Take the bad version back; return the seconds until its last answer was received."""
    asked_from = len(load.answered)
    began = time.monotonic()
    gateway.followed(gateway.change("roll_back", rolled_back).revision)
    time.sleep(DRAIN_SECONDS)
    last = [one.received_at for one in load.answered[asked_from:] if BAD in one.versions]
    return max(last, default=began) - began


def _tell(took: list[float], answers: int) -> None:
    milliseconds = np.array(took) * 1000
    champions, canaries = milliseconds[::2], milliseconds[1::2]
    for name, some in (("champion", champions), ("canary", canaries), ("all", milliseconds)):
        p50, p90, p99, top = np.quantile(some, [0.5, 0.9, 0.99, 1.0], method="inverted_cdf")
        print(f"{len(some)} rollbacks ({name}): p50 {p50:.0f} p90 {p90:.0f} p99 {p99:.0f} max {top:.0f} ms")  # noqa: T201 - the drill's result
    print(f"{answers} requests answered meanwhile")  # noqa: T201 - as above
