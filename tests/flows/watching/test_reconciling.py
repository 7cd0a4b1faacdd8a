"""Counts are what the log says, whatever became of the gateways that made them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError

from flows.watching.counts import Counted, current_counts
from flows.watching.reconciling import EVERY, LATE, PARTS_STAND, Reconciled, reconcile
from lifecycle.profile import Profile
from stores.hours import Hour
from stores.ledger.baselines import Baseline
from stores.ledger.opening import open_ledger
from stores.ledger.profiles import HourPart, Profiles
from stores.ledger.watching_schema import profiles as table
from stores.prediction_log import logged_hours
from stores.prediction_log.delta import table_folder
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import adopt_orphans
from stores.prediction_log.table import PredictionLog
from tests.flows import toy
from tests.stores.prediction_log.answered import FIRST, HOUR, baseline, batch_of, counted_by_hand, rows_of

SERVED = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""The machine's time; the rows' own is years away."""
BASELINE = Baseline("toy", "1", baseline(), None, "version", FIRST)
Rows = Sequence[dict[str, object]]


@dataclass
class Bench:
    """A ledger and a log, which replicas write to: to the log all they served, to the ledger what they got to."""

    engine: Engine
    root: Path

    def serve(self, rows: Rows, counted: Rows, replica: str = "a") -> None:
        """Log and ship rows of one hour as a replica that has written the counts of some of them."""
        writer = SegmentWriter(self.root, replica)
        writer.append(batch_of(rows))
        writer.close()
        adopt_orphans(self.root)
        if counted:
            at = counted[0]["moment_at"]
            assert isinstance(at, datetime)
            hour = Hour("toy", "1", at.replace(minute=0, second=0, microsecond=0))
            Profiles(self.engine).keep([HourPart(hour, f"{replica}.1", counted_by_hand(counted))], SERVED)

    def reconcile(self, now: datetime, machine_now: datetime = SERVED + timedelta(minutes=5)) -> Reconciled:
        """Reconcile version 1."""
        log = PredictionLog(self.root)
        return reconcile(self.engine, log, toy.DEFINITION, BASELINE, now=now, machine_now=machine_now)

    def counted(self, since: datetime = FIRST, until: datetime = FIRST + timedelta(days=9)) -> Counted:
        """Return the counts of a span."""
        return current_counts(self.engine, BASELINE, since, until)

    def stored(self) -> list[object]:
        """Return every row of the ledger's table but for when it was written."""
        with self.engine.connect() as connection:
            found = connection.execute(select(table).order_by(table.c.version, table.c.hour_at, table.c.part))
            return [(row.version, row.hour_at, row.part, row.rows, row.counts) for row in found]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Return a bench."""
    return Bench(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}"), tmp_path / "predictions")


def at_days(days: int, profile: Profile) -> Profile:
    """Return a profile that says of how many days it is."""
    return profile.model_copy(update={"days": days, "score_days": days})


def test_counts_that_agree_with_the_log_stay(bench: Bench) -> None:
    """They are what counting by hand says, and are read from the ledger alone."""
    night, morning = rows_of(30, FIRST, SERVED), rows_of(20, FIRST + timedelta(days=1), SERVED, 1)
    bench.serve(night, night)
    bench.serve(morning, morning, "b")
    before = bench.stored()
    assert bench.reconcile(FIRST + timedelta(days=2)) == Reconciled(compared=2)
    assert bench.stored() == before
    assert bench.counted() == Counted(at_days(2, counted_by_hand([*night, *morning])), rows=50, hours=2, days=2)
    assert bench.counted(until=FIRST + HOUR) == Counted(at_days(1, counted_by_hand(night)), rows=30, hours=1, days=1)


def test_a_span_without_rows_counts_nothing(bench: Bench) -> None:
    """Zeros on the baseline's bins."""
    assert bench.counted() == Counted(counted_by_hand([]), rows=0, hours=0, days=0)
    assert bench.reconcile(FIRST + HOUR) == Reconciled()


def test_killed_replica_s_hour_is_counted_from_the_log(bench: Bench) -> None:
    """What it had not written is healed, beside another replica's part and the hours that are right."""
    mine, theirs, later = (rows_of(20, FIRST + number // 2 * HOUR, SERVED, number) for number in range(3))
    bench.serve(mine, mine[:12], "a")
    bench.serve(theirs, theirs, "b")
    bench.serve(later, later, "c")
    assert bench.counted().rows == 52
    assert bench.reconcile(FIRST + 2 * HOUR) == Reconciled(compared=2, recounted=1)
    assert bench.counted().profile == at_days(1, counted_by_hand([*mine, *theirs, *later]))


def test_hours_from_before_the_baseline_was_known_are_counted(bench: Bench) -> None:
    """No gateway could; other versions and what no client was shown stay out of it."""
    early, late = rows_of(20, FIRST, SERVED), rows_of(10, FIRST + timedelta(days=3), SERVED, 1)
    for number, rows in enumerate((early, late, rows_of(5, FIRST, SERVED, version="2"))):
        bench.serve(rows, [], str(number))
    bench.serve(rows_of(5, FIRST, SERVED, arm="shadow", shown=False), [], "shadow")
    bench.serve(rows_of(5, FIRST, SERVED, outcome="failed", score=None), [], "failed")
    bench.serve(rows_of(5, FIRST, SERVED, tier="rule", score=None), [], "rule")
    assert bench.reconcile(FIRST + timedelta(days=4)) == Reconciled(compared=2, recounted=2)
    assert bench.counted() == Counted(at_days(2, counted_by_hand([*early, *late])), rows=30, hours=2, days=2)


def test_large_hour_is_read_in_parts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour of much traffic needs no more memory, and its counts are the same."""
    monkeypatch.setattr(logged_hours, "ROWS_AT_ONCE", 7)
    rows = rows_of(60, FIRST, SERVED)
    bench.serve(rows, [])
    bench.reconcile(FIRST + HOUR)
    assert bench.counted().profile == at_days(1, counted_by_hand(rows))


def test_open_hour_and_rows_of_just_now_are_left_alone(bench: Bench) -> None:
    """Their counts are still on the way, and would be counted twice."""
    closing, opened = rows_of(10, FIRST, SERVED), rows_of(10, FIRST + HOUR, SERVED, 1)
    bench.serve(closing, [])
    bench.serve(opened, [], "b")
    now = FIRST + HOUR + timedelta(minutes=5)
    assert bench.reconcile(now, SERVED + timedelta(seconds=10)) == Reconciled()
    assert bench.reconcile(now, SERVED + EVERY + timedelta(seconds=20)) == Reconciled(compared=1, recounted=1)
    assert bench.counted().profile == at_days(1, counted_by_hand(closing))


def test_doing_it_twice_changes_nothing(bench: Bench) -> None:
    """Neither at once nor when hours are compared again."""
    rows = rows_of(20, FIRST, SERVED)
    bench.serve(rows, rows[:3])
    assert bench.reconcile(FIRST + HOUR).recounted == 1
    stored = bench.stored()
    assert bench.reconcile(FIRST + HOUR) == Reconciled()
    assert bench.reconcile(FIRST + 2 * HOUR) == Reconciled(compared=1)
    assert bench.reconcile(FIRST + 3 * HOUR, SERVED + 2 * LATE) == Reconciled(compared=1)
    assert bench.stored() == stored


def test_killed_between_two_hours_goes_on_where_it_was(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first hour is whole, the second as it was; the next run does the rest."""
    rows = [rows_of(10, FIRST + number * HOUR, SERVED, number) for number in range(2)]
    for number, some in enumerate(rows):
        bench.serve(some, some[:4], str(number))
    replace = Profiles.replace
    replaced = 0

    def killed(self: Profiles, hour: Hour, profile: Profile, counted_at: datetime) -> None:
        nonlocal replaced
        replaced += 1
        if replaced == 2:
            raise KeyboardInterrupt
        replace(self, hour, profile, counted_at)

    with monkeypatch.context() as patch:
        patch.setattr(Profiles, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            bench.reconcile(FIRST + 2 * HOUR)
    assert bench.counted().rows == 10 + 4
    assert bench.reconcile(FIRST + 2 * HOUR) == Reconciled(compared=2, recounted=1)
    assert bench.counted().profile == at_days(1, counted_by_hand([*rows[0], *rows[1]]))


def test_rows_that_were_shipped_late_are_found(bench: Bench) -> None:
    """A dead replica's segment is adopted after its hour was compared, or while nobody compared anything."""
    first, second, third = (rows_of(10, FIRST, SERVED, number) for number in range(3))
    bench.serve(first, first)
    assert bench.reconcile(FIRST + HOUR) == Reconciled(compared=1)
    bench.serve(second, [], "b")
    assert bench.reconcile(FIRST + 2 * HOUR, SERVED + LATE) == Reconciled(compared=1, recounted=1)
    bench.serve(third, [], "c")
    assert bench.reconcile(FIRST + 3 * HOUR, SERVED + 20 * LATE) == Reconciled(compared=1, recounted=1)
    assert bench.counted().profile == at_days(1, counted_by_hand([*first, *second, *third]))


def test_living_replica_cannot_add_to_an_hour_that_was_counted_from_the_log(bench: Bench) -> None:
    """Its rows are in the log, and so in the counts once the hour is compared again."""
    early, late = rows_of(10, FIRST, SERVED), rows_of(5, FIRST, SERVED, 1)
    bench.serve(early, early[:2])
    bench.reconcile(FIRST + HOUR)
    bench.serve([], [*early, *late])
    assert bench.counted().rows == 10
    bench.serve(late, [])
    bench.reconcile(FIRST + 2 * HOUR)
    assert bench.counted().profile == at_days(1, counted_by_hand([*early, *late]))


def test_counts_outlive_the_log(bench: Bench) -> None:
    """Rows that people have deleted say nothing about what was counted of them."""
    rows = rows_of(10, FIRST, SERVED)
    bench.serve(rows, rows)
    table_folder(bench.root).rename(bench.root / "away")
    assert bench.reconcile(FIRST + HOUR) == Reconciled()
    assert bench.counted().rows == 10


def test_hours_are_read_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log is asked only about hours since the last look, and those of rows that may have come late."""
    spans: list[tuple[datetime, datetime]] = []
    between = logged_hours.LoggedHours.between

    def watched(
        self: logged_hours.LoggedHours, since: datetime, until: datetime
    ) -> tuple[logged_hours.LoggedHour, ...]:
        spans.append((since, until))
        return between(self, since, until)

    monkeypatch.setattr(logged_hours.LoggedHours, "between", watched)
    machine = SERVED
    for number in range(0, 30, 10):
        rows = rows_of(3, FIRST + number * HOUR, machine, number)
        bench.serve(rows, rows, str(number))
        machine += 10 * HOUR
        bench.reconcile(FIRST + (number + 10) * HOUR, machine)
    bench.reconcile(FIRST + 30 * HOUR, machine + timedelta(minutes=1))
    assert spans == [
        (FIRST + 10 * HOUR - PARTS_STAND, FIRST + 10 * HOUR),
        (FIRST + 10 * HOUR, FIRST + 20 * HOUR),
        (FIRST + 20 * HOUR, FIRST + 30 * HOUR),
    ]


def test_parts_of_old_hours_become_one(bench: Bench) -> None:
    """After two months nobody needs to know which replica counted what."""
    for name in "abc":
        rows = rows_of(5, FIRST, SERVED, ord(name))
        bench.serve(rows, rows, name)
    before = bench.counted()
    assert bench.reconcile(FIRST + PARTS_STAND) == Reconciled(compared=1)
    assert bench.reconcile(FIRST + PARTS_STAND + HOUR, SERVED + 2 * LATE).put_together == 1
    with bench.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 1
    assert bench.counted() == before


def test_run_that_another_one_overtakes_leaves_it_the_hour(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that count an hour anew at once count it once."""
    rows = rows_of(10, FIRST, SERVED)
    bench.serve(rows, rows[:4])
    replace = Profiles.replace

    def overtaken(self: Profiles, hour: Hour, profile: Profile, counted_at: datetime) -> None:
        replace(self, hour, profile, counted_at)
        raise IntegrityError("INSERT", {}, Exception("the key is there"))

    monkeypatch.setattr(Profiles, "replace", overtaken)
    assert bench.reconcile(FIRST + HOUR) == Reconciled(compared=1, recounted=0)
    assert bench.counted().profile == at_days(1, counted_by_hand(rows))
