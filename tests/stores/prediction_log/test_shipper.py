"""Every acknowledged row reaches the table exactly once, whatever dies in between."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from deltalake import write_deltalake

from lifecycle.errors import Conflict, Unavailable
from stores.prediction_log.compaction import compact
from stores.prediction_log.delta import append_once, find_table, last_shipped, open_table, table_folder
from stores.prediction_log.reading import read_segment
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import adopt_orphans, ship
from stores.prediction_log.table import PredictionLog
from tests.stores.prediction_log.conftest import BatchOf, die, failing, full_disk, ids_in

ROWS_BEFORE_THE_KILL = 300


def test_sealed_segments_are_shipped_in_one_commit_and_deleted(root: Path, batches: BatchOf) -> None:
    """Several small segments cost one table version, numbered by the last of them."""
    writer = SegmentWriter(root, "replica")
    for one in ("1", "2", "3"):
        writer.append(batches(one))
        writer.seal()
    assert ship(root, writer.owned) == 3
    table = find_table(root)
    assert table is not None
    assert (table.version(), last_shipped(table, writer.owned.app_id)) == (1, 3)
    assert list(writer.owned.folder.glob("*.arrow")) == []
    assert ship(root, writer.owned) == 0


def test_rows_come_back_as_they_were_logged(root: Path, batches: BatchOf) -> None:
    """Floats, lists, nulls and times survive the segment and the table unchanged."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1", "2"))
    writer.seal()
    ship(root, writer.owned)
    shipped = PredictionLog(root).query("SELECT * FROM predictions ORDER BY prediction_id")
    assert shipped == batches("1", "2").to_pylist()


def test_crash_after_the_commit_repeats_nothing(root: Path, batches: BatchOf, tmp_path: Path) -> None:
    """A segment that was committed and not deleted yet is only deleted."""
    writer = SegmentWriter(root, "replica")
    for one in ("1", "2"):
        writer.append(batches(one))
        writer.seal()
    shutil.copytree(writer.owned.folder, tmp_path / "before")
    ship(root, writer.owned)
    shutil.copytree(tmp_path / "before", writer.owned.folder, dirs_exist_ok=True)
    assert ids_in(root) == ["1", "2"]
    assert PredictionLog(root).pending() == 0
    assert ship(root, writer.owned) == 0
    assert list(writer.owned.folder.glob("*.arrow")) == []
    assert ids_in(root) == ["1", "2"]


def test_crash_between_two_deletes_repeats_nothing(root: Path, batches: BatchOf, tmp_path: Path) -> None:
    """Of several segments in one commit, those left over are recognised by their number."""
    writer = SegmentWriter(root, "replica")
    for one in ("1", "2"):
        writer.append(batches(one))
        last = writer.seal()
    assert last is not None
    shutil.copy(last, tmp_path)
    ship(root, writer.owned)
    shutil.copy(tmp_path / last.name, last)
    writer.append(batches("3"))
    writer.seal()
    assert ship(root, writer.owned) == 1
    assert ids_in(root) == ["1", "2", "3"]


def test_crash_before_the_commit_loses_nothing(root: Path, batches: BatchOf) -> None:
    """A data file that was written and never committed is not part of the table; its rows are shipped anew."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1"))
    writer.seal()
    open_table(root)
    write_deltalake(root / "elsewhere", batches("1"))
    (uncommitted,) = (root / "elsewhere").glob("*.parquet")
    shutil.copy(uncommitted, table_folder(root))
    assert ids_in(root) == []
    die(writer)
    assert adopt_orphans(root).rows == 1
    assert ids_in(root) == ["1"]


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_segment_that_could_not_be_sealed_is_shipped_once_it_can(root: Path, batches: BatchOf, call: str) -> None:
    """A disk that fails for a moment costs no row, and none is counted twice."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1"))
    with failing(call), pytest.raises(OSError, match="input/output"):
        writer.seal()
    writer.append(batches("2"))
    for one in ("3", "4"):
        ship(root, writer.owned)
        assert PredictionLog(root).count(with_pending=True) == int(one) - 1
        writer.append(batches(one))
        writer.seal()
    ship(root, writer.owned)
    assert ids_in(root) == ["1", "2", "3", "4"]
    assert PredictionLog(root).pending() == 0
    writer.close()
    assert list((root / "segments").iterdir()) == []


def test_segment_behind_an_unsealed_one_waits_for_it(root: Path, batches: BatchOf) -> None:
    """The table remembers the highest number only, so a lower one would look shipped from then on."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1"))
    first = writer.seal()
    assert first is not None
    writer.append(batches("2"))
    writer.seal()
    unsealed = first.rename(first.with_suffix(".open"))
    assert ship(root, writer.owned) == 0
    unsealed.rename(first)
    assert ship(root, writer.owned) == 2
    assert ids_in(root) == ["1", "2"]


def test_two_shippers_of_one_segment_commit_it_once(root: Path, batches: BatchOf) -> None:
    """Should the lock ever fail, the table itself refuses the second commit of a number."""
    first, second = open_table(root), open_table(root)
    rows = PredictionLog(root).query_table("SELECT * FROM predictions")
    append_once(first, rows, "replica.0", 1)
    with pytest.raises(Conflict, match="committed by another process"):
        append_once(second, rows, "replica.0", 1)


def test_damaged_sealed_segment_ships_what_is_readable_and_is_kept_aside(root: Path, batches: BatchOf) -> None:
    """Damage on disk neither blocks the segments behind it nor is thrown away."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1"))
    writer.append(batches("2"))
    sealed = writer.seal()
    assert sealed is not None
    os.truncate(sealed, sealed.stat().st_size - 1)
    writer.append(batches("3"))
    writer.seal()
    assert ship(root, writer.owned) == 2
    assert ids_in(root) == ["1", "3"]
    (kept,) = (root / "damaged").iterdir()
    assert read_segment(kept).torn


def test_torn_bytes_that_stay_in_a_segment_hide_no_row(root: Path, batches: BatchOf) -> None:
    """Where a refused batch can never be taken back, what was acknowledged before and after it is shipped."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1"))
    (growing,) = writer.owned.folder.glob("*.open")
    with failing("ftruncate"):
        with full_disk(growing.stat().st_size + 100), pytest.raises(Unavailable, match="free space"):
            writer.append(batches("2"))
        writer.append(batches("3"))
        writer.seal()
    assert ship(root, writer.owned) == 2
    assert ids_in(root) == ["1", "3"]


SERVE_UNTIL_KILLED = """
import sys
from itertools import count
from pathlib import Path
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipping import Shipper
from tests.stores.prediction_log.conftest import batch_of

root, name = Path(sys.argv[1]), sys.argv[2]
writer = SegmentWriter(root, name)
Shipper(root, writer, every_seconds=0.005).start()
for number in count():
    writer.append(batch_of(f"{name}-{number}"))
    print(number, flush=True)
"""


def test_replicas_killed_while_appending_and_shipping_lose_and_repeat_nothing(root: Path) -> None:
    """Every row whose append had returned before SIGKILL is in the table once, with a compaction in between."""
    replicas = [
        subprocess.Popen(
            [sys.executable, "-c", SERVE_UNTIL_KILLED, str(root), f"r{number}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    acknowledged: list[str] = []
    for number, replica in enumerate(replicas):
        assert replica.stdout is not None
        for line in replica.stdout:
            acknowledged.append(f"r{number}-{int(line)}")
            if int(line) == ROWS_BEFORE_THE_KILL:
                break
        compact(root)
        replica.send_signal(signal.SIGKILL)
        acknowledged += [f"r{number}-{int(line)}" for line in replica.stdout if line.endswith("\n")]
        replica.stdout.close()
        replica.wait()
    adopt_orphans(root)
    shipped = ids_in(root)
    assert len(shipped) == len(set(shipped))
    assert set(acknowledged) <= set(shipped)
    # A row may be logged whose acknowledgement was cut off by the kill, one per replica at most.
    assert len(shipped) <= len(acknowledged) + len(replicas)
