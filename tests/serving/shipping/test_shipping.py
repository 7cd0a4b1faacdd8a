"""The process that ships for a replica: what it ships, how it is lost, and that nothing is lost with it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest

from serving.metrics.log_tail import LogTail
from serving.metrics.served_families import PREDICTIONS
from serving.shipping import keeping
from serving.shipping.beside import Beside
from serving.shipping.keeping import COMMAND, Charge, Shipping
from serving.shipping.words import Task
from serving.shipping.working import Rounds
from stores.ledger.opening import open_ledger
from stores.prediction_log.delta import table_folder
from stores.prediction_log.ownership import claim_dead
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import adopt_orphans
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings
from tests.serving.metrics.conftest import batch, logged_row

PATIENCE_SECONDS = 60.0
HANGS = (sys.executable, "-c", "import sys, time; sys.stdin.readline(); time.sleep(600)")
FAILS = (sys.executable, "-c", "raise SystemExit('no store to be found')")
ROWS_BEFORE_THE_KILL = 40
SERVE_UNTIL_KILLED = """
import sys, time
from itertools import count
from pathlib import Path
from serving.shipping import keeping
from stores.prediction_log.segment import SegmentWriter
from stores.settings import Settings
from tests.serving.metrics.conftest import batch, logged_row

keeping.SEAL_SECONDS = keeping.LOOK_SECONDS = 0.01
chosen = Settings(home=Path(sys.argv[1]), policies=Path(sys.argv[2]))
writer = SegmentWriter(chosen.prediction_log, "replica")
keeping.Shipping(writer, keeping.Charge(chosen)).start()
for number in count():
    writer.append(batch(logged_row(prediction_id=str(number))))
    print(number, flush=True)
    time.sleep(0.05)
"""


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    """Return settings with a ledger and no model."""
    (tmp_path / "policies").mkdir()
    chosen = Settings(home=tmp_path / "home", policies=tmp_path / "policies")
    open_ledger(chosen.ledger_address).dispose()
    return chosen


@pytest.fixture
def writer(chosen: Settings) -> SegmentWriter:
    """Return a replica's end of the log."""
    return SegmentWriter(chosen.prediction_log, "replica")


@pytest.fixture
def start(
    chosen: Settings, writer: SegmentWriter, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Shipping]]:
    """Return what starts shipping, in quick rounds."""
    monkeypatch.setattr(keeping, "SEAL_SECONDS", 0.05)
    monkeypatch.setattr(keeping, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(keeping, "FIRST_BACKOFF_SECONDS", 0.05)
    started: list[Shipping] = []

    def begin(**charge: Any) -> Shipping:
        shipping = Shipping(writer, Charge(chosen, **charge))
        started.append(shipping)
        shipping.start()
        return shipping

    yield begin
    for shipping in started:
        shipping.stop()


def until(true: Callable[[], object]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS} s"
        time.sleep(0.02)


def until_gone(process: psutil.Process) -> None:
    """Wait until a process has ended; whose it is may not have noticed yet."""
    until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)


def the_process() -> psutil.Process | None:
    """Return the process that ships for this one, once it is there."""
    found = [
        one
        for one in psutil.Process().children()
        if one.status() != psutil.STATUS_ZOMBIE and COMMAND[-1] in one.cmdline()
    ]
    return found[0] if found else None


def rows(*ids: str) -> pa.RecordBatch:
    """Return a champion's rows."""
    return batch(*(logged_row(prediction_id=one) for one in ids))


def lost(logged: list[Any]) -> list[str]:
    """Return why processes were lost, as the log says."""
    return [line["reason"] for line in logged if line["event"] == "shipping_lost"]


def ids_in(chosen: Settings) -> list[str]:
    """Return the ids in the table and in segments, in order."""
    found = PredictionLog(chosen.prediction_log).query_table("SELECT prediction_id FROM predictions")
    return sorted(found["prediction_id"].to_pylist())


def task_of(chosen: Settings, writer: SegmentWriter) -> Task:
    """Return what a process is told that ships for a replica."""
    return Task(
        parent=os.getpid(),
        descriptor=writer.owned.descriptor,
        folder=str(writer.owned.folder),
        name="replica.1",
        prediction_log=str(chosen.prediction_log),
        ledger=chosen.ledger_address,
        versions=str(chosen.versions),
        policies=str(chosen.policies),
        metrics=str(chosen.run / "metrics"),
        log=str(chosen.run / "gateway.log"),
    )


def test_rows_are_shipped_and_counted_by_another_process(
    chosen: Settings, writer: SegmentWriter, start: Callable[..., Shipping]
) -> None:
    """Nobody asks for it, and the metrics know of it."""
    tail = LogTail(chosen.prediction_log, chosen.run / "metrics")
    tail.begin()
    shipping = start()
    writer.append(rows("a", "b"))
    until(lambda: tail.figures().of(PREDICTIONS))
    assert tail.figures().of(PREDICTIONS) == {("toy", "1", "champion", "model", "answered"): [2.0]}
    assert PredictionLog(chosen.prediction_log).count() == 2
    assert shipping.trouble() is None


def test_replica_that_ends_at_once_has_all_of_its_rows_shipped(
    chosen: Settings, writer: SegmentWriter, start: Callable[..., Shipping]
) -> None:
    """And leaves no folder behind."""
    writer.append(rows("a"))
    start().stop()
    log = PredictionLog(chosen.prediction_log)
    assert (log.count(), log.pending()) == (1, 0)
    assert list((chosen.prediction_log / "segments").iterdir()) == []


def test_killed_process_is_replaced_and_every_row_is_there_once(
    chosen: Settings, writer: SegmentWriter, start: Callable[..., Shipping], logged: list[Any]
) -> None:
    """However far it had come with them."""
    shipping = start()
    appended = 0
    for delay in (0.0, 0.01, 0.03, 0.1):
        until(the_process)
        process = the_process()
        assert process is not None
        before = PredictionLog(chosen.prediction_log).count()
        # Until this one has shipped something, and so is in the midst of it.
        while PredictionLog(chosen.prediction_log).count() == before:
            writer.append(rows(f"{appended:04}"))
            appended += 1
            time.sleep(0.005)
        time.sleep(delay)
        process.kill()
        until_gone(process)
    until(lambda: len(lost(logged)) == 4)
    until(lambda: shipping.trouble() is None)
    shipping.stop()
    assert ids_in(chosen) == [f"{number:04}" for number in range(appended)]
    assert lost(logged) == ["died of SIGKILL"] * 4


def test_table_out_of_reach_is_told_and_its_rows_wait(
    chosen: Settings, writer: SegmentWriter, start: Callable[..., Shipping]
) -> None:
    """They are shipped once it is back."""
    table_folder(chosen.prediction_log).parent.mkdir(parents=True, exist_ok=True)
    table_folder(chosen.prediction_log).write_text("in the way", encoding="utf-8")
    shipping = start()
    writer.append(rows("a"))
    until(shipping.trouble)
    assert str(table_folder(chosen.prediction_log)) in str(shipping.trouble())
    table_folder(chosen.prediction_log).unlink()
    until(lambda: shipping.trouble() is None)
    assert ids_in(chosen) == ["a"]


def test_round_that_hangs_ends_its_process(start: Callable[..., Shipping], logged: list[Any]) -> None:
    """Another one takes its place."""
    shipping = start(command=HANGS, silence_seconds=0.2)
    until(lambda: len(lost(logged)) == 2)
    assert lost(logged) == ["said nothing for 0.2 s"] * 2
    assert shipping.trouble() == "the process that ships said nothing for 0.2 s"


def test_replica_that_ends_waits_for_its_last_round_and_no_longer(
    chosen: Settings,
    writer: SegmentWriter,
    start: Callable[..., Shipping],
    logged: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was not shipped can be adopted."""
    monkeypatch.setattr(keeping, "FINISH_SECONDS", 0.2)
    writer.append(rows("a"))
    start(command=HANGS).stop()
    assert [line["event"] for line in logged] == ["shipping_cut_short"]
    assert adopt_orphans(chosen.prediction_log).rows == 1


def test_folder_that_holds_what_is_no_segment_is_trouble_and_ends_nothing(
    chosen: Settings, writer: SegmentWriter, logged: list[Any]
) -> None:
    """The process has other work to do."""
    (writer.owned.folder / "mine.arrow").touch()
    said = Rounds(task_of(chosen, writer), (), lambda: None).round()
    assert "mine" in str(said.error)
    assert logged[0]["event"] == "shipping_failed"


def test_process_that_cannot_begin_is_tried_again_less_and_less_often(
    writer: SegmentWriter, start: Callable[..., Shipping], logged: list[Any]
) -> None:
    """Its last words say why, and segments are made safe meanwhile."""
    shipping = start(command=FAILS)
    writer.append(rows("a"))
    until(lambda: len(lost(logged)) == 3)
    assert (
        shipping.trouble()
        == "the process that ships ended by itself with exit code 1; it last said: no store to be found"
    )
    assert shipping._backoff == 8 * keeping.FIRST_BACKOFF_SECONDS
    assert list(writer.owned.folder.glob("*.arrow"))


def test_command_that_does_not_exist_is_trouble(start: Callable[..., Shipping], logged: list[Any]) -> None:
    """The replica goes on without."""
    shipping = start(command=("/no/such/program",))
    until(shipping.trouble)
    assert "/no/such/program" in str(shipping.trouble())
    assert logged[0]["event"] == "shipping_not_started"


def test_nobody_adopts_a_folder_whose_process_lives(chosen: Settings, writer: SegmentWriter) -> None:
    """It may be about to commit the very rows."""
    process = Beside(HANGS, task_of(chosen, writer), {})
    os.close(writer.owned.descriptor)
    assert claim_dead(writer.owned.folder) is None
    process.kill()
    process.close()
    found = claim_dead(writer.owned.folder)
    assert found is not None
    os.close(found.descriptor)


def test_killed_replica_takes_its_process_with_it_and_loses_no_row(chosen: Settings) -> None:
    """Whoever adopts its folder ships each row that the kernel had, once."""
    replica = subprocess.Popen(
        [sys.executable, "-c", SERVE_UNTIL_KILLED, str(chosen.home), str(chosen.policies)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert replica.stdout is not None
    for line in replica.stdout:
        if int(line) == ROWS_BEFORE_THE_KILL:
            break
    children = psutil.Process(replica.pid).children()
    assert len(children) == 1
    replica.send_signal(signal.SIGKILL)
    acknowledged = [int(line) for line in replica.stdout if line.endswith("\n")]
    replica.stdout.close()
    replica.wait()
    # Its folder is held until the last thread of the last of the two is gone.
    until(lambda: adopt_orphans(chosen.prediction_log).folders)
    assert not children[0].is_running() or children[0].status() == psutil.STATUS_ZOMBIE
    shipped = sorted(map(int, ids_in(chosen)))
    assert shipped == list(range(len(shipped)))
    assert len(shipped) > max([ROWS_BEFORE_THE_KILL, *acknowledged])


def test_error_of_whoever_looks_on_keeps_no_row_from_being_shipped(
    chosen: Settings, writer: SegmentWriter, logged: list[Any]
) -> None:
    """The log comes first."""

    class Failing:
        def start(self) -> None:
            """Begin."""

        def offer(self, _: pa.Table) -> None:
            raise RuntimeError("counting is broken")

        def stop(self) -> None:
            """End."""

    rounds = Rounds(task_of(chosen, writer), (Failing(),), lambda: None)
    for number in range(2):
        writer.append(rows(str(number)))
        writer.seal()
        assert rounds.round().error is None
    assert ids_in(chosen) == ["0", "1"]
    assert [line["event"] for line in logged] == ["rows_not_shown"] * 2
