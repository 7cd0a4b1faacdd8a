"""The number of replicas that share a rate."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from serving.demand import demand_of
from serving.doors.sharing import FRESH, Sharing
from stores.ledger.arms import ArmReport, Arms
from stores.ledger.opening import open_ledger

DEMAND = replace(demand_of(()), minimum=1, maximum=3)


def report(arms: Arms, replica: str, model: str = "m", ago: timedelta = timedelta()) -> None:
    """Let a replica report on a model so long ago."""
    arms.report(ArmReport(model, replica, 1, ("1",), ready=True, detail="", reported_at=datetime.now(UTC) - ago))


def test_replicas_that_report_share_within_the_bounds(tmp_path: Path) -> None:
    """The most there may be before it is known, then those of the last seconds, each once."""
    engine = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    arms = Arms(engine)
    sharing = Sharing(DEMAND, arms.replicas)
    assert sharing.count == 3
    sharing.refresh()
    assert sharing.count == 1
    report(arms, "a")
    report(arms, "a", "other")
    report(arms, "b")
    report(arms, "gone", ago=2 * FRESH)
    sharing.refresh()
    assert sharing.count == 2
    for name in "cde":
        report(arms, name)
    sharing.refresh()
    assert sharing.count == 3
    engine.dispose()


def test_fixed_number_is_not_read() -> None:
    """There is nothing to read."""
    sharing = Sharing(replace(DEMAND, minimum=2, maximum=2), lambda _: 1 // 0)
    sharing.refresh()
    assert sharing.count == 2
