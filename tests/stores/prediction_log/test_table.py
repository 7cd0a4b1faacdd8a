"""Reading the prediction log while it is being written."""

import os
from pathlib import Path

import pytest

from lifecycle.errors import NotFound
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import ship
from stores.prediction_log.table import PredictionLog
from tests.stores.prediction_log.conftest import BatchOf


@pytest.fixture
def half_shipped(root: Path, batches: BatchOf) -> SegmentWriter:
    """Two rows shipped, one sealed, one growing and one torn."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1", "2"))
    writer.seal()
    ship(root, writer.owned)
    writer.append(batches("3", model="other"))
    writer.seal()
    writer.append(batches("4"))
    writer.append(batches("5"))
    (growing,) = writer.owned.folder.glob("*.open")
    os.truncate(growing, growing.stat().st_size - 1)
    return writer


def test_empty_log_counts_nothing(root: Path) -> None:
    """Before the first prediction every question has an answer."""
    log = PredictionLog(root)
    assert (log.count(), log.pending(), log.tail(5)) == (0, 0, [])
    assert log.query("SELECT count(*) AS n FROM predictions") == [{"n": 0}]


def test_shipped_and_pending_rows_are_told_apart(root: Path, half_shipped: SegmentWriter) -> None:
    """Pending rows are those whose append has returned and that no commit holds."""
    log = PredictionLog(root)
    assert (log.count(), log.pending(), log.count(with_pending=True)) == (2, 2, 4)
    assert (log.count("other"), log.count("other", with_pending=True)) == (0, 1)


def test_tail_shows_the_newest_rows_wherever_they_are(root: Path, half_shipped: SegmentWriter) -> None:
    """The last predictions are seen at once, not only after they are shipped."""
    assert [row["prediction_id"] for row in PredictionLog(root).tail(3)] == ["2", "3", "4"]


def test_one_prediction_is_found_shipped_or_pending(root: Path, half_shipped: SegmentWriter, batches: BatchOf) -> None:
    """A caller can look its answer up as soon as it has it."""
    log = PredictionLog(root)
    assert log.get("2") == batches("2").to_pylist()[0]
    assert log.get("4") == batches("4").to_pylist()[0]


def test_unknown_prediction_is_named_in_the_error(root: Path, half_shipped: SegmentWriter) -> None:
    """The message says where it looked."""
    with pytest.raises(NotFound, match="no prediction 'nine' among 2 shipped and 2 pending"):
        PredictionLog(root).get("nine")


def test_query_sees_shipped_rows_only(root: Path, half_shipped: SegmentWriter) -> None:
    """SQL reads one version of the table."""
    rows = PredictionLog(root).query("SELECT model, count(*) AS n FROM predictions GROUP BY model")
    assert rows == [{"model": "tiny", "n": 2}]


def test_query_takes_parameters_apart_from_its_text(root: Path, half_shipped: SegmentWriter) -> None:
    """A value from outside never becomes SQL."""
    rows = PredictionLog(root).query("SELECT count(*) AS n FROM predictions WHERE prediction_id = ?", ("1' OR '1'='1",))
    assert rows == [{"n": 0}]
