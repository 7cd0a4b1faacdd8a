"""The champion gives NaN, raises, overruns its time and hangs, on every request: users are answered in time."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from serving.tiers.run import NOT_ASKED
from stores.prediction_log.shipper import adopt_orphans
from stores.prediction_log.table import PredictionLog
from tests.drills.failing_version import FOREVER, TURNS, write_failing_version
from tests.drills.flights import CRASHING_MILES, ENDLESS_MILES, TROUBLING_MILES
from tests.drills.gateway import Gateway
from tests.drills.load import Load
from tests.drills.moves import promoted, rolled_back
from tests.drills.users import mostly_since, tiers_since, unnoticing
from tests.serving.test_server import until

GOOD, SLOW, HANGING = "1", "8", "9"
ANSWERS = 60
"""Until the next way of failing; so many that the breaker has opened."""
WAYS = {
    "gives NaN": (SLOW, TROUBLING_MILES, "nan"),
    "raises": (SLOW, CRASHING_MILES, "out of data bounds"),
    "overruns its deadline": (SLOW, ENDLESS_MILES, "no answer within 500 ms"),
    "hangs": (HANGING, ENDLESS_MILES, "no answer within 500 ms"),
}
"""By what the champion does: the version that does so, from which distance, and what is logged."""

pytestmark = [
    pytest.mark.timeout(300),
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]


@pytest.fixture
def failing(gateway: Gateway) -> Iterator[Gateway]:
    """Return the gateway with the failing versions at hand; its replicas are new ones after it."""
    write_failing_version(gateway.chosen.versions, SLOW, turns=5 * TURNS)
    write_failing_version(gateway.chosen.versions, HANGING, turns=FOREVER)
    yield gateway
    # Threads that hang cannot be ended, but with their process.
    before = gateway.replicas()
    for replica in before.values():
        replica.kill()
    killed_at = datetime.now(UTC)
    gateway.replaced(before)
    gateway.followed(gateway.plan().revision, since=killed_at)


def test_whatever_the_champion_does_everybody_is_answered_in_time(failing: Gateway) -> None:
    """By the version before it; the log has each failed attempt with its reason, beside what the user was shown."""
    for way, (version, miles, reason) in WAYS.items():
        with unnoticing(failing, f"the champion {way}", miles) as load, _crowned(failing, version):
            crowned_at = time.monotonic()
            until(lambda load=load, since=crowned_at: tiers_since(load, since).total() >= ANSWERS, 60)  # type: ignore[misc]
        assert mostly_since(load, crowned_at) == "previous"
        _on_record(failing, load, version, reason)


@contextmanager
def _crowned(gateway: Gateway, version: str) -> Iterator[None]:
    gateway.followed(gateway.change("promote", promoted(version)).revision, versions=(GOOD, version))
    yield
    gateway.followed(gateway.change("roll_back", rolled_back).revision)


def _on_record(gateway: Gateway, load: Load, version: str, reason: str) -> None:
    """See beside each answer of another tier why the champion did not give it."""
    instead = {
        prediction
        for one in load.answered
        for prediction, tier in zip(one.prediction_ids, one.tiers, strict=True)
        if tier == "previous"
    }
    sql = f"SELECT pairs_with, error FROM predictions WHERE version = '{version}' AND outcome = 'failed'"
    shown = "SELECT prediction_id, version FROM predictions WHERE shown AND tier = 'previous'"
    log = PredictionLog(gateway.chosen.prediction_log)

    def reasons() -> dict[str, str]:
        adopt_orphans(gateway.chosen.prediction_log)
        return {str(row["pairs_with"]): str(row["error"]) for row in log.query(sql)}

    until(lambda: instead <= reasons().keys(), 60)
    why = [error for pair, error in reasons().items() if pair in instead]
    asked = [error for error in why if not error.startswith(NOT_ASKED)]
    assert any(reason in error for error in asked), Counter(why)
    answered = {str(row["prediction_id"]): str(row["version"]) for row in log.query(shown)}
    assert {answered[one] for one in instead} == {GOOD}
    told = {"asked and failed": len(asked), "not asked after that": len(why) - len(asked)}
    print(f"  answered by the version before: {len(instead)}; the champion was {told}")  # noqa: T201 - the drill's result
