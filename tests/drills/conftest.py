"""One real gateway of two replicas for all drills."""

from collections.abc import Iterator

import pytest

from tests.drills.gateway import Gateway
from tests.drills.moves import promoted, rolled_back
from tests.drills.serving import serving_gateway


@pytest.fixture
def gateway(running: Gateway) -> Gateway:
    """Return the server with version 1 as champion and nothing on trial, whatever the drill before left."""
    plan = running.plan()
    if plan.canary is not None:
        plan = running.change("roll_back", rolled_back)
    if plan.champion != "1":
        plan = running.change("promote", promoted("1"))
    running.followed(plan.revision, versions=("1",))
    return running


@pytest.fixture(scope="package")
def running() -> Iterator[Gateway]:
    """A server of two replicas whose first champion is version 1; version 2 lies ready."""
    with serving_gateway(2, ("1", "2"), HOLDFAST_WEBHOOK_ALLOW_PRIVATE="true") as gateway:
        yield gateway
