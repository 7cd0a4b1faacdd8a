"""The background thread that ships."""

import time
from pathlib import Path

from stores.prediction_log.delta import table_folder
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipping import Shipper
from stores.prediction_log.table import PredictionLog
from tests.stores.prediction_log.conftest import BatchOf

PATIENCE_SECONDS = 20


def test_started_shipper_ships_by_itself(root: Path, batches: BatchOf) -> None:
    """Rows reach the table without anybody asking."""
    writer = SegmentWriter(root, "replica")
    shipper = Shipper(root, writer, every_seconds=0.01)
    shipper.start()
    writer.append(batches("1"))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while PredictionLog(root).count() == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert PredictionLog(root).count() == 1
    shipper.stop()


def test_stopped_shipper_leaves_nothing_pending(root: Path, batches: BatchOf) -> None:
    """A replica that ends in order ships its last rows and removes its folder."""
    writer = SegmentWriter(root, "replica")
    shipper = Shipper(root, writer, every_seconds=3600)
    shipper.start()
    writer.append(batches("1"))
    shipper.stop()
    assert (PredictionLog(root).count(), PredictionLog(root).pending()) == (1, 0)
    assert list((root / "segments").iterdir()) == []


def test_failed_round_is_reported_and_tried_again(root: Path, batches: BatchOf) -> None:
    """While the table cannot be written rows wait on disk, and are shipped once it can."""
    writer = SegmentWriter(root, "replica")
    shipper = Shipper(root, writer, every_seconds=3600)
    writer.append(batches("1"))
    table_folder(root).write_text("in the way")
    shipper._round()
    assert shipper.last_error is not None
    assert str(table_folder(root)) in shipper.last_error
    table_folder(root).unlink()
    shipper._round()
    assert shipper.last_error is None
    assert PredictionLog(root).count() == 1
