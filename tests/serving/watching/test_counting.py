"""A replica counts what it shipped, whatever becomes of the ledger."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from lifecycle.errors import NotFound
from lifecycle.profile import Profile
from serving.watching import counting as module
from serving.watching.counting import MOST_WAITING_ROWS, Counting
from serving.watching.known_baselines import KnownBaselines
from stores.clock import SystemClock
from stores.ledger.baselines import Baseline, Baselines
from stores.ledger.opening import open_ledger
from stores.ledger.profiles import Profiles
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import ship
from stores.versions import VersionFiles
from tests.stores.prediction_log.answered import FIRST, HOUR, VECTOR, baseline, batch_of, counted_by_hand, rows_of

UNTIL = FIRST + 10 * HOUR


def no_files(model: str, version: str) -> VersionFiles:
    """Say that a version's files are not here."""
    raise NotFound(f"{model} {version}")


def vector_of(model: str, _: str | None) -> tuple[str, ...]:
    """Return the toy's vector, the same for every contract."""
    if model != "toy":
        raise NotFound(f"no model {model!r}")
    return VECTOR


@dataclass
class Bench:
    """A ledger that can be away, in which version 1 has a baseline, and replicas over it."""

    engine: Engine
    root: Path
    away: bool = False

    def counting(self, name: str = "replica", write_seconds: float = 3600) -> Counting:
        """Return the counting of a replica."""
        known = KnownBaselines(no_files, Baselines(self.engine), time.monotonic)
        return Counting(
            vector_of=vector_of,
            baselines=known,
            profiles=Profiles(self.engine),
            name=name,
            clock=SystemClock(),
            write_seconds=write_seconds,
        )

    def counted(self, version: str = "1") -> Profile:
        """Return what the ledger holds."""
        return Profiles(self.engine).total("toy", version, baseline(), FIRST, UNTIL)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Return a bench."""
    engine = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    Baselines(engine).keep(Baseline("toy", "1", baseline(), None, "version", FIRST))
    made = Bench(engine, tmp_path / "predictions")

    def refuse(*_: object) -> None:
        if made.away:
            raise OperationalError("SELECT", {}, Exception("connection refused"))

    event.listen(engine, "before_cursor_execute", lambda *_: refuse())
    yield made
    engine.dispose()


def table_of(rows: list[dict[str, object]]) -> pa.Table:
    """Return rows as they are shipped."""
    return pa.Table.from_batches([batch_of(rows)])


def events(logged: list[Any]) -> list[str]:
    """Return the names of the lines that were logged."""
    return [line["event"] for line in logged]


def until(holds: Callable[[], bool]) -> bool:
    """Return whether something comes to hold within some seconds."""
    deadline = time.monotonic() + 20
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def test_shipped_rows_are_in_the_ledger_soon(bench: Bench) -> None:
    """Written by a thread of its own, while more is shipped."""
    writer = SegmentWriter(bench.root, "replica")
    counting = bench.counting(writer.owned.app_id, write_seconds=0.02)
    counting.start()
    rows = [*rows_of(1200, FIRST, FIRST), *rows_of(30, FIRST + HOUR, FIRST, 1, arm="canary")]
    for part in (rows[:700], rows[700:]):
        writer.append(batch_of(part))
        writer.seal()
        assert ship(bench.root, writer.owned, counting.offer) == len(part)
        assert until(lambda: bench.counted().rows >= 700)
    counting.stop()
    assert bench.counted() == counted_by_hand(rows)


def test_what_no_client_was_shown_by_a_version_is_not_counted(bench: Bench) -> None:
    """Shadows, failed attempts and fallback answers are in the log only."""
    counting = bench.counting()
    shown = rows_of(20, FIRST, FIRST)
    counting.offer(table_of([*shown, *rows_of(5, FIRST, FIRST, arm="shadow", shown=False)]))
    counting.offer(table_of(rows_of(5, FIRST, FIRST, outcome="failed", score=None)))
    counting.offer(table_of(rows_of(5, FIRST, FIRST, tier="rule")))
    counting.count_waiting()
    counting.write()
    assert bench.counted() == counted_by_hand(shown)


def test_two_replicas_count_together(bench: Bench) -> None:
    """Each has its own part of the hour."""
    first, second = bench.counting("a"), bench.counting("b")
    rows = [rows_of(20, FIRST, FIRST, seed) for seed in range(4)]
    for number, counting in enumerate((first, second, first, second)):
        counting.offer(table_of(rows[number]))
        counting.count_waiting()
        counting.write()
    assert bench.counted() == counted_by_hand([row for some in rows for row in some])


def test_counts_wait_while_the_ledger_is_away(bench: Bench, logged: list[Any]) -> None:
    """Nothing is lost or counted twice, and it is said once."""
    counting = bench.counting()
    rows = [rows_of(20, FIRST + number * HOUR, FIRST, number) for number in range(3)]
    counting.offer(table_of(rows[0]))
    counting.count_waiting()
    counting.write()
    bench.away = True
    for some in rows[1:]:
        counting.offer(table_of(some))
        counting.count_waiting()
        counting.write()
    bench.away = False
    counting.write()
    counting.write()
    assert bench.counted() == counted_by_hand([row for some in rows for row in some])
    assert events(logged).count("counts_not_written") == 1


def test_thread_outlives_what_fails_in_it(bench: Bench, logged: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens to it, it says so, and counts and writes when it can."""
    counting = bench.counting(write_seconds=0.02)

    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(counting._profiles, "keep", fail)
        counting.start()
        counting.offer(table_of(rows_of(20, FIRST, FIRST)))
        assert until(lambda: events(logged).count("counting_failed") > 2)
    assert until(lambda: bench.counted().rows == 20)
    counting.stop()


def test_version_is_counted_from_when_it_has_a_baseline(bench: Bench) -> None:
    """Its rows before are left to be counted from the log."""
    counting = bench.counting()
    counting.offer(table_of(rows_of(5, FIRST, FIRST, version="2")))
    counting.count_waiting()
    Baselines(bench.engine).keep(Baseline("toy", "2", baseline(), None, "drawn", FIRST))
    counting._baselines._asked_at.clear()
    later = rows_of(7, FIRST, FIRST, 1, version="2")
    counting.offer(table_of(later))
    counting.count_waiting()
    counting.write()
    assert bench.counted("2") == counted_by_hand(later)


def test_rows_that_cannot_be_counted_keep_others_from_nothing(bench: Bench, logged: list[Any]) -> None:
    """Another model's, and a request of no contract."""
    counting = bench.counting()
    good = rows_of(5, FIRST, FIRST)
    counting.offer(table_of([*rows_of(2, FIRST, FIRST, model="unknown"), *rows_of(1, FIRST, FIRST, model=None), *good]))
    counting.offer(table_of(rows_of(2, FIRST + HOUR, FIRST, request="no JSON")))
    counting.count_waiting()
    counting.write()
    assert bench.counted() == counted_by_hand(good)
    assert events(logged).count("rows_not_counted") == 2


def test_an_attack_of_odd_moments_costs_no_more_than_some_hours(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hours with most rows are counted, the rest is left to the log."""
    monkeypatch.setattr(module, "MOST_HOURS_AT_ONCE", 2)
    counting = bench.counting()
    odd = [row for number in range(2, 9) for row in rows_of(1, FIRST + number * HOUR, FIRST)]
    usual = [*rows_of(5, FIRST, FIRST), *rows_of(4, FIRST + HOUR, FIRST)]
    counting.offer(table_of([*odd, *usual]))
    counting.count_waiting()
    counting.write()
    assert bench.counted() == counted_by_hand(usual)


def test_rows_beyond_the_queue_are_left_to_the_log(bench: Bench, logged: list[Any]) -> None:
    """A replica that cannot keep up neither waits nor grows."""
    counting = bench.counting()
    many = table_of(rows_of(1, FIRST, FIRST)).take(pa.array([0] * (MOST_WAITING_ROWS // 2 + 1)))
    counting.offer(many)
    counting.offer(many)
    assert counting._waiting_rows == many.num_rows
    assert events(logged) == ["rows_not_counted"]


def test_rows_of_another_contract_are_read_by_its_own_vector(bench: Bench) -> None:
    """A version of the next contract has other features, and says so row by row."""
    asked: list[tuple[str, str | None]] = []

    def vector(model: str, contract: str | None) -> tuple[str, ...]:
        asked.append((model, contract))
        return VECTOR if contract != "toy_v2" else (*VECTOR, "more")

    counting = bench.counting()
    counting._vector_of = vector
    rows = [*rows_of(3, FIRST, FIRST), *rows_of(2, FIRST, FIRST, 1, contract="toy_v2")]
    counting.offer(table_of(rows))
    counting.count_waiting()
    counting.write()
    assert sorted(asked, key=str) == [("toy", "toy_v2"), ("toy", None)]
    assert bench.counted().rows == 3
