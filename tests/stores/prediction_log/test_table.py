"""Reading the prediction log while it is being written."""

import os
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lifecycle.errors import NotFound
from stores.prediction_log.delta import table_folder
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import ship
from stores.prediction_log.table import PredictionLog
from tests.stores.prediction_log.conftest import START, BatchOf


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


def trial(*ids: str, revision: int, second: int = 0, model: str = "tiny") -> pa.RecordBatch:
    """Return rows that were logged by a plan revision."""
    served_at = START + timedelta(seconds=second)
    rows = [
        {"prediction_id": one, "model": model, "plan_revision": revision, "served_at": served_at, "outcome": "answered"}
        for one in ids
    ]
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


@pytest.fixture
def trials(root: Path) -> PredictionLog:
    """A log of two revisions, half of each shipped, and of another model."""
    writer = SegmentWriter(root, "replica")
    for batch in (trial("1", revision=1), trial("2", "3", revision=2), trial("4", revision=2, model="other")):
        writer.append(batch)
    writer.seal()
    ship(root, writer.owned)
    writer.append(trial("5", revision=1, second=1))
    writer.append(trial("6", revision=3, second=2))
    return PredictionLog(root)


def ids_of(rows: pa.Table) -> list[str]:
    """Return the ids of some rows, sorted."""
    return sorted(rows["prediction_id"].to_pylist())


def test_rows_since_a_revision_hold_shipped_and_pending_ones_once(trials: PredictionLog) -> None:
    """What a plan revision saw is complete at any moment, and another model's rows are not there."""
    assert ids_of(trials.since("tiny", 2, ["prediction_id"])) == ["2", "3", "6"]
    assert ids_of(trials.since("tiny", 0, ["prediction_id"])) == ["1", "2", "3", "5", "6"]


def test_rows_since_a_revision_can_be_cut_in_time(trials: PredictionLog) -> None:
    """Both ends are served times; the first is left out."""
    found = trials.since("tiny", 1, ["prediction_id"], after=START, until=START + timedelta(seconds=1))
    assert ids_of(found) == ["5"]


def test_window_that_moves_on_keeps_nothing_of_what_it_has_left(trials: PredictionLog) -> None:
    """A champion serves for months; one that looks further back again still finds every row."""
    columns = ["prediction_id"]
    assert ids_of(trials.since("tiny", 1, columns, after=START - timedelta(seconds=1))) == ["1", "2", "3", "5", "6"]
    assert ids_of(trials.since("tiny", 1, columns, after=START)) == ["5", "6"]
    kept = [rows.num_rows for known in trials._files._read.values() for rows in known.files.values()]
    assert kept == [0]
    assert ids_of(trials.since("tiny", 1, columns, after=START - timedelta(seconds=1))) == ["1", "2", "3", "5", "6"]
    assert ids_of(trials.since("tiny", 1, columns)) == ["1", "2", "3", "5", "6"]


def test_rows_since_a_revision_have_the_columns_that_were_asked_for(trials: PredictionLog) -> None:
    """In the order and the types of the question."""
    found = trials.since("tiny", 3, ["outcome", "shown", "prediction_id"])
    assert found.to_pylist() == [{"outcome": "answered", "shown": None, "prediction_id": "6"}]


def test_column_that_is_younger_than_the_table_is_null_in_its_rows(root: Path) -> None:
    """A table that was begun before the column existed can still be asked for it."""
    old = trial("1", revision=1)
    names = [name for name in SCHEMA.names if name not in ("outcome", "unit")]
    write_deltalake(table_folder(root), pa.table(old.select(names)))
    writer = SegmentWriter(root, "replica")
    writer.append(trial("2", revision=1))
    found = PredictionLog(root).since("tiny", 1, ["prediction_id", "outcome", "unit"])
    assert sorted(found.to_pylist(), key=lambda row: str(row["prediction_id"])) == [
        {"prediction_id": "1", "outcome": None, "unit": None},
        {"prediction_id": "2", "outcome": "answered", "unit": None},
    ]
    asked = "SELECT prediction_id FROM predictions WHERE outcome IS NULL"
    assert PredictionLog(root).query(asked) == [{"prediction_id": "1"}]
