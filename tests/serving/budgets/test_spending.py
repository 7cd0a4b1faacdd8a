"""What tenants have spent today, here and on the other replicas."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.exc import OperationalError

from serving.budgets.spending import Spending
from stores.ledger.opening import open_ledger
from stores.ledger.spending import Spender, SpendingRecords

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        """Return the time."""
        return self.at


class Away:
    """A ledger that cannot be reached until it is back."""

    def __init__(self, behind: SpendingRecords) -> None:
        self.behind = behind
        self.away = True

    def exchange(self, replica: str, day: date, own: Mapping[Spender, float], at: datetime) -> Mapping[Spender, float]:
        """Ask the ledger behind, when it is there."""
        if self.away:
            raise OperationalError("exchange", {}, Exception("the ledger is away"))
        return self.behind.exchange(replica, day, own, at)


@pytest.fixture
def records(tmp_path: Path) -> SpendingRecords:
    """Return an empty ledger's records."""
    return SpendingRecords(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}"))


def test_rows_are_added_to_their_tenants(records: SpendingRecords) -> None:
    """At once, before any ledger has heard of it."""
    spending = Spending(records, "a", Clock().now)
    spending.add("m", ["x", None, "x"], np.array([1.0, 2.0, 4.0]))
    spending.add("m", None, np.array([8.0]))
    spending.add("other", ["x"], np.array([16.0]))
    assert (spending.spent("m", "x"), spending.spent("m", None), spending.spent("other", "x")) == (5.0, 10.0, 16.0)
    assert spending.spent("m", "y") == 0


def test_replicas_hear_of_each_other(records: SpendingRecords) -> None:
    """Each tells its own sum, however often, and it counts once."""
    clock = Clock()
    here, there = Spending(records, "a", clock.now), Spending(records, "b", clock.now)
    here.add("m", ["x"], np.array([1.0]))
    there.add("m", ["x"], np.array([10.0]))
    for _ in range(3):
        here.exchange()
        there.exchange()
    here.exchange()
    assert here.spent("m", "x") == there.spent("m", "x") == 11
    there.add("m", ["x"], np.array([100.0]))
    there.exchange()
    here.exchange()
    assert here.spent("m", "x") == 111


def test_replica_that_starts_again_has_not_forgotten(records: SpendingRecords) -> None:
    """What its forerunner spent is in the ledger under that one's name."""
    clock = Clock()
    before = Spending(records, "a", clock.now)
    before.add("m", ["x"], np.array([3.0]))
    before.exchange()
    after = Spending(records, "a-2", clock.now)
    assert after.spent("m", "x") == 0
    after.exchange()
    assert after.spent("m", "x") == 3


def test_new_day_begins_at_nothing(records: SpendingRecords) -> None:
    """At midnight UTC, for the others' sums as well."""
    clock = Clock()
    here, there = Spending(records, "a", clock.now), Spending(records, "b", clock.now)
    for one in (here, there):
        one.add("m", ["x"], np.array([1.0]))
        one.exchange()
    here.exchange()
    assert here.spent("m", "x") == 2
    clock.at = datetime(2026, 2, 1, 0, 0, 1, tzinfo=UTC)
    assert here.spent("m", "x") == 0
    here.exchange()
    assert here.spent("m", "x") == 0


def test_ledger_that_is_away_holds_nobody_up(records: SpendingRecords) -> None:
    """Own sums go on, the others' stay as they were heard last, and all is told when it is back."""
    clock, behind = Clock(), Away(records)
    here, there = Spending(behind, "a", clock.now), Spending(records, "b", clock.now)
    there.add("m", ["x"], np.array([10.0]))
    there.exchange()
    here.add("m", ["x"], np.array([1.0]))
    here.exchange()
    assert here.spent("m", "x") == 1
    behind.away = False
    here.exchange()
    assert here.spent("m", "x") == 11


def test_thread_exchanges_and_tells_the_rest_at_its_end(records: SpendingRecords) -> None:
    """A replica that ends has told what it spent."""
    here = Spending(records, "a", Clock().now, every_seconds=60)
    here.start()
    here.add("m", ["x"], np.array([7.0]))
    here.stop()
    other = Spending(records, "b", Clock().now)
    other.spent("m", "x")
    other.exchange()
    assert other.spent("m", "x") == 7


def test_without_budgets_the_ledger_is_left_alone(records: SpendingRecords) -> None:
    """Nobody asks, nothing was spent: no word to the ledger."""
    away = Away(records)
    here = Spending(away, "a", Clock().now)
    away.away = True
    here.exchange()
    assert not here._away
