"""Compaction leaves every row, and the record of what was shipped, as it was."""

import threading
from pathlib import Path

import pytest
from deltalake import DeltaTable

from lifecycle.errors import Conflict
from stores.prediction_log.compaction import Compacted, compact, expire
from stores.prediction_log.delta import compaction_lock, last_shipped, open_table, table_folder
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import ship
from stores.prediction_log.table import PredictionLog
from tests.stores.prediction_log.conftest import BatchOf


def ship_one_by_one(root: Path, writer: SegmentWriter, batches: BatchOf, ids: range) -> None:
    """Append and ship one row per commit."""
    for number in ids:
        writer.append(batches(str(number)))
        writer.seal()
        ship(root, writer.owned)


def test_log_without_a_table_needs_nothing(root: Path) -> None:
    """Before the first prediction there is nothing to merge or delete."""
    assert compact(root) == Compacted(0, 0)
    assert expire(root) == 0


def test_small_files_become_one_and_the_rows_stay(root: Path, batches: BatchOf) -> None:
    """What was shipped is remembered through compaction, a checkpoint and the deletion of old files."""
    writer = SegmentWriter(root, "replica")
    ship_one_by_one(root, writer, batches, range(5))
    assert compact(root) == Compacted(files_before=5, files_after=1)
    assert expire(root, keep_hours=0) == 5
    assert PredictionLog(root).count() == 5
    assert len(list(table_folder(root).glob("*.parquet"))) == 1
    assert last_shipped(open_table(root), writer.owned.app_id) == 5
    assert compact(root) == Compacted(0, 0)


def test_young_replaced_files_are_kept_for_queries_that_still_read_them(root: Path, batches: BatchOf) -> None:
    """Only what has been replaced for longer than the table's retention is deleted."""
    ship_one_by_one(root, SegmentWriter(root, "replica"), batches, range(2))
    compact(root)
    assert expire(root) == 0


def test_compaction_beside_shipping_keeps_every_row_once(root: Path, batches: BatchOf) -> None:
    """Appends go on while files are merged, and neither undoes the other."""
    writer = SegmentWriter(root, "replica")
    shipping = threading.Thread(target=ship_one_by_one, args=(root, writer, batches, range(30)))
    shipping.start()
    while shipping.is_alive():
        compact(root)
    assert [row["prediction_id"] for row in PredictionLog(root).tail(100)] == [str(number) for number in range(30)]


def test_second_compaction_is_refused_while_one_runs(root: Path) -> None:
    """The lock is what keeps rows from being doubled."""
    with compaction_lock(root), pytest.raises(Conflict, match="being compacted"):
        compact(root)


def test_deltalake_still_doubles_rows_when_two_compactions_meet(root: Path, batches: BatchOf) -> None:
    """The day this fails, deltalake keeps compactions apart itself and `compaction_lock` can go."""
    ship_one_by_one(root, SegmentWriter(root, "replica"), batches, range(2))
    first, second = DeltaTable(table_folder(root)), DeltaTable(table_folder(root))
    first.optimize.compact()
    second.optimize.compact()
    assert PredictionLog(root).count() == 4
