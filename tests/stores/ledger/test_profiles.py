"""Counts by hour and part: they add up, a retry counts nothing twice, and the log has the last word."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError

from lifecycle.errors import InvalidInput
from lifecycle.profile import NumericProfile, Profile, merge
from stores.hours import Hour
from stores.ledger.packed_counts import add_up, pack
from stores.ledger.profiles import HourPart, Profiles
from stores.ledger.watching_schema import profiles as table
from tests.stores.prediction_log.answered import FIRST, HOUR, baseline, counted_by_hand, rows_of

AT = FIRST
NIGHT = Hour("toy", "1", FIRST)
END = FIRST + timedelta(days=100)


def counts(number: int, seed: int = 0) -> Profile:
    """Return the counts of some rows."""
    return counted_by_hand(rows_of(number, FIRST, AT, seed))


def total(ledger: Engine, version: str = "1") -> Profile:
    """Return everything counted of a version."""
    return Profiles(ledger).total("toy", version, baseline(), FIRST, END)


def stored(ledger: Engine) -> int:
    """Return how many rows the ledger's table has."""
    with ledger.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_packed_counts_add_up_as_profiles_do() -> None:
    """What is left out is the baseline's."""
    first, second = counts(30), counts(20, seed=1)
    assert add_up(baseline(), [pack(first), pack(second)]) == merge(first, second)
    assert add_up(baseline(), []) == counts(0)


def test_counts_on_other_bins_are_refused() -> None:
    """A bin's number says nothing without its edges."""
    moved = baseline().model_copy(update={"score": NumericProfile(edges=(0.25, 0.8), counts=(0, 10, 0), missing=0)})
    with pytest.raises(InvalidInput, match="the baseline has"):
        add_up(moved, [pack(counts(3))])


def test_parts_of_an_hour_add_up(ledger: Engine) -> None:
    """Two replicas count in one hour, one in another; other versions are beside them."""
    kept = Profiles(ledger)
    later = Hour("toy", "1", FIRST + HOUR)
    kept.keep([HourPart(NIGHT, "a.1", counts(5)), HourPart(later, "a.2", counts(6, seed=1))], AT)
    kept.keep([HourPart(NIGHT, "b.1", counts(7, seed=2)), HourPart(Hour("toy", "2", FIRST), "b.2", counts(9))], AT)
    assert total(ledger) == merge(merge(counts(5), counts(6, seed=1)), counts(7, seed=2))
    assert kept.rows("toy", "1", FIRST, END) == {FIRST: 12, FIRST + HOUR: 6}
    assert kept.rows("toy", "1", FIRST, FIRST + HOUR) == {FIRST: 12}
    assert total(ledger, "2") == counts(9)


def test_part_that_is_written_again_stands_in_place_of_itself(ledger: Engine) -> None:
    """A replica writes all it has counted in an hour, however often."""
    kept = Profiles(ledger)
    assert kept.keep([HourPart(NIGHT, "a.1", counts(5))], AT) == frozenset()
    for _ in range(2):
        assert kept.keep([HourPart(NIGHT, "a.1", counts(8))], AT) == frozenset()
    assert total(ledger) == counts(8)


def test_hour_counted_from_the_log_takes_no_more_parts(ledger: Engine) -> None:
    """Nobody can say which of a part's rows are in it already; the other hours of the same write are taken."""
    kept = Profiles(ledger)
    kept.keep([HourPart(NIGHT, "a.1", counts(5))], AT)
    kept.replace(NIGHT, counts(9), AT)
    later = Hour("toy", "1", FIRST + HOUR)
    parts = [HourPart(NIGHT, "a.1", counts(6)), HourPart(NIGHT, "b.1", counts(2)), HourPart(later, "a.2", counts(4))]
    assert kept.keep(parts, AT) == {"a.1", "b.1"}
    assert kept.rows("toy", "1", FIRST, END) == {FIRST: 9, FIRST + HOUR: 4}


def test_hour_counted_from_the_log_again_has_the_newest_counts(ledger: Engine) -> None:
    """Late rows were added to the log."""
    kept = Profiles(ledger)
    kept.replace(NIGHT, counts(9), AT)
    kept.replace(NIGHT, counts(10), AT)
    assert total(ledger) == counts(10)


def test_replacement_that_fails_leaves_the_parts(ledger: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both happen or neither: an hour is never gone."""
    kept = Profiles(ledger)
    kept.keep([HourPart(NIGHT, "a.1", counts(5))], AT)
    monkeypatch.setattr("stores.ledger.profiles.FROM_LOG", None)
    with pytest.raises(IntegrityError):
        kept.replace(NIGHT, counts(9), AT)
    assert total(ledger) == counts(5)


def test_old_parts_are_put_together_and_their_sum_stays(ledger: Engine) -> None:
    """One row for each hour before the moment; later hours keep their parts, and the second time nothing is left."""
    kept = Profiles(ledger)
    for hour_at in (FIRST, FIRST + HOUR):
        parts = [HourPart(Hour("toy", "1", hour_at), f"{name}{hour_at:%H}", counts(5)) for name in "abc"]
        kept.keep(parts, AT)
    kept.keep([HourPart(Hour("toy", "2", FIRST), "d", counts(1))], AT)
    before = total(ledger)
    assert kept.put_together("toy", "1", baseline(), FIRST + HOUR) == 1
    assert (total(ledger), stored(ledger)) == (before, 1 + 3 + 1)
    assert kept.put_together("toy", "1", baseline(), FIRST + HOUR) == 0
