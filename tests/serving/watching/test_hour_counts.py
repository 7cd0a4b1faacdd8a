"""What a replica keeps in memory of what it counted, and for how long."""

from collections.abc import Callable

import pytest

from lifecycle.profile import Profile, merge
from serving.watching import hour_counts
from serving.watching.hour_counts import IDLE_SECONDS, HourCounts
from stores.hours import Hour
from tests.stores.prediction_log.answered import FIRST, HOUR, counted_by_hand, rows_of


class Seconds:
    """A monotonic clock that a test moves."""

    at = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.at


def counts(number: int, seed: int = 0) -> Profile:
    """Return the counts of some rows."""
    return counted_by_hand(rows_of(number, FIRST, FIRST, seed))


def hour(number: int) -> Hour:
    """Return one of the hours in a row."""
    return Hour("toy", "1", FIRST + number * HOUR)


@pytest.fixture
def seconds() -> Seconds:
    """Return a clock."""
    return Seconds()


@pytest.fixture
def kept(seconds: Callable[[], float]) -> HourCounts:
    """Return an empty memory."""
    return HourCounts("replica", seconds)


def test_an_hour_is_written_whole_until_nothing_of_it_changes(kept: HourCounts) -> None:
    """One row of the ledger, overwritten while the hour grows."""
    kept.add(hour(0), counts(3))
    (first,) = kept.unwritten()
    kept.written([first], frozenset())
    assert kept.unwritten() == []
    kept.add(hour(0), counts(2, seed=1))
    (second,) = kept.unwritten()
    assert (second.part, second.profile) == (first.part, merge(counts(3), counts(2, seed=1)))


def test_hour_that_the_ledger_did_not_hear_of_is_said_again(kept: HourCounts) -> None:
    """Whoever cannot write says nothing, and loses nothing."""
    kept.add(hour(0), counts(3))
    assert kept.unwritten() == kept.unwritten()


def test_hour_that_comes_again_is_another_part(kept: HourCounts, seconds: Seconds) -> None:
    """What the ledger has of it stays, because nobody knows here any more what it was."""
    kept.add(hour(0), counts(3))
    before = kept.unwritten()
    seconds.at = IDLE_SECONDS + 1
    kept.written(before, frozenset())
    kept.add(hour(0), counts(2))
    (after,) = kept.unwritten()
    assert after.part != before[0].part
    assert after.profile == counts(2)


def test_idle_hour_is_kept_until_it_is_written(kept: HourCounts, seconds: Seconds) -> None:
    """However long the ledger is away."""
    kept.add(hour(0), counts(3))
    seconds.at = 10 * IDLE_SECONDS
    kept.written([], frozenset())
    assert len(kept.unwritten()) == 1


def test_refused_part_is_let_go(kept: HourCounts) -> None:
    """The hour was counted from the log; what comes now is a part of its own, to be refused as well."""
    kept.add(hour(0), counts(3))
    parts = kept.unwritten()
    kept.written(parts, {parts[0].part})
    assert kept.unwritten() == []
    kept.add(hour(0), counts(1))
    assert [part.profile.rows for part in kept.unwritten()] == [1]


def test_memory_is_bounded_and_what_is_written_goes_first(
    kept: HourCounts, seconds: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Odd requests may ask about any hour while the ledger is away."""
    monkeypatch.setattr(hour_counts, "MOST_HOURS", 3)
    for number in range(3):
        seconds.at += 1
        kept.add(hour(number), counts(1))
    kept.written([part for part in kept.unwritten() if part.hour == hour(2)], frozenset())
    kept.add(hour(3), counts(1))
    assert [part.hour for part in kept.unwritten()] == [hour(0), hour(1), hour(3)]
    kept.add(hour(4), counts(1))
    assert [part.hour for part in kept.unwritten()] == [hour(1), hour(3), hour(4)]
