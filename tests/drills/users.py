"""People who ask the gateway all the time and must not notice anything."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stores.policies import load_policy
from tests.drills.flights import body, planes
from tests.drills.gateway import Gateway
from tests.drills.load import Load, endless
from tests.serving.conftest import MODEL, flight
from tests.serving.test_server import until

CONNECTIONS = 8
PER_SECOND = 40.0
INTERACTIVE = {"X-Holdfast-Priority": "interactive"}
MARGIN_SECONDS = 1.0
"""What a machine that is busy with other tests may take beyond the policy's deadline, client and proxy included."""
BEFORE = 20
"""Answers until a drill begins."""


def deadline_seconds(gateway: Gateway) -> float:
    """Return within which time the policy has every request answered."""
    return load_policy(gateway.chosen.policies, MODEL).tiers.deadline_ms / 1000


def requests(miles: float = 1400.0) -> Sequence[bytes]:
    """Return requests about many planes, so that features are read anew for each."""
    return [body([flight(tail_number=tail, distance_miles=miles)]) for tail in planes(2000)]


@contextmanager
def unnoticing(gateway: Gateway, what: str, miles: float = 1400.0) -> Iterator[Load]:
    """Have people ask while a block runs: afterwards none of their requests has failed, nor come late."""
    with gateway.load(endless(requests(miles)), CONNECTIONS, PER_SECOND, INTERACTIVE) as load:
        until(lambda: len(load.answered) + len(load.failures) >= BEFORE, 60)
        yield load
    slowest = max(one.seconds for one in load.answered)
    tiers = Counter(tier for one in load.answered for tier in one.tiers)
    print(  # noqa: T201 - the drill's result
        f"{what}: {len(load.answered)} answered, {len(load.failures)} failed, slowest {slowest:.2f} s, "
        f"tiers {dict(tiers)}"
    )
    assert load.failures == []
    assert slowest <= deadline_seconds(gateway) + MARGIN_SECONDS


def mostly_since(load: Load, moment: float) -> str:
    """Return who answered most of that, "" for nobody; on a starved machine, others stand in now and then."""
    return next((tier for tier, _ in tiers_since(load, moment).most_common(1)), "")


def tiers_since(load: Load, moment: float) -> Counter[str]:
    """Return who answered what was sent since a moment of `time.monotonic`."""
    return Counter(tier for one in load.answered for tier in one.tiers if one.sent_at >= moment)
