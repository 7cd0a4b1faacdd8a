"""What tenants have spent, by replica and day."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Engine, select

from stores.ledger.spending import DAYS_KEPT, SpendingRecords
from stores.ledger.spending_schema import spending

DAY = date(2026, 1, 31)
AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_replica_hears_the_sum_of_all_others(each_ledger: Engine) -> None:
    """By model and tenant, and never its own."""
    records = SpendingRecords(each_ledger)
    assert records.exchange("a", DAY, {("m", "x"): 1.0, ("m", ""): 2.0}, AT) == {}
    assert records.exchange("b", DAY, {("m", "x"): 4.0}, AT) == {("m", "x"): 1.0, ("m", ""): 2.0}
    assert records.exchange("c", DAY, {}, AT) == {("m", "x"): 5.0, ("m", ""): 2.0}


def test_what_a_replica_says_again_takes_the_place_of_what_it_said(each_ledger: Engine) -> None:
    """Said twice, it counts once."""
    records = SpendingRecords(each_ledger)
    for cost in (1.0, 1.0, 3.0):
        records.exchange("a", DAY, {("m", "x"): cost}, AT)
    assert records.exchange("b", DAY, {}, AT) == {("m", "x"): 3.0}


def test_days_are_apart_and_old_ones_go(each_ledger: Engine) -> None:
    """A budget is for a day; the ledger does not grow with them."""
    records = SpendingRecords(each_ledger)
    records.exchange("a", DAY, {("m", "x"): 1.0}, AT)
    later = DAY + timedelta(days=1)
    assert records.exchange("b", later, {("m", "x"): 5.0}, AT) == {}
    records.exchange("a", DAY + timedelta(days=DAYS_KEPT + 1), {}, AT)
    with each_ledger.connect() as connection:
        assert [row.day for row in connection.execute(select(spending))] == [later.isoformat()]
