"""What a segment promises about rows that were appended."""

import os
import threading
from pathlib import Path

import pyarrow as pa
import pytest

from lifecycle.errors import InvalidInput, Unavailable
from stores.prediction_log.reading import read_segment
from stores.prediction_log.segment import SegmentWriter
from tests.stores.prediction_log.conftest import BatchOf, failing, full_disk


def test_appended_batch_is_readable_before_the_segment_is_sealed(root: Path, batches: BatchOf) -> None:
    """Whoever reads the file right after append sees the whole batch, so nothing waits in this process."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1", "2"))
    (growing,) = writer.owned.folder.glob("*.open")
    assert read_segment(growing).batches == (batches("1", "2"),)


def test_sealing_begins_the_next_segment(root: Path, batches: BatchOf) -> None:
    """Each sealed segment holds what was appended since the one before."""
    writer = SegmentWriter(root, "replica")
    sealed = []
    for one in ("1", "2"):
        writer.append(batches(one))
        sealed.append(writer.seal())
    assert [path.name for path in sealed if path] == ["00000001.arrow", "00000002.arrow"]
    assert [read_segment(path).rows for path in sealed if path] == [1, 1]


def test_sealing_without_rows_makes_no_segment(root: Path) -> None:
    """An idle replica leaves no empty files behind."""
    writer = SegmentWriter(root, "replica")
    assert writer.seal() is None
    writer.close()
    assert list((root / "segments").iterdir()) == []


def test_another_schema_is_refused(root: Path, batches: BatchOf) -> None:
    """A column that is missing would make the segment unreadable for all."""
    writer = SegmentWriter(root, "replica")
    with pytest.raises(InvalidInput, match="prediction log has columns"):
        writer.append(batches("1").drop_columns(["score"]))


def test_appending_after_close_is_refused(root: Path, batches: BatchOf) -> None:
    """A closed log cannot take a row that nobody would ship."""
    writer = SegmentWriter(root, "replica")
    writer.close()
    with pytest.raises(Unavailable, match="closed"):
        writer.append(batches("1"))


def test_full_disk_refuses_the_batch_and_keeps_the_ones_before(root: Path, batches: BatchOf) -> None:
    """A batch that fits only in part is taken back, and the segment goes on when there is room again."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1"))
    (growing,) = writer.owned.folder.glob("*.open")
    with full_disk(growing.stat().st_size + 100), pytest.raises(Unavailable, match="free space"):
        writer.append(batches("2"))
    writer.append(batches("3"))
    assert read_segment(growing).batches == (batches("1"), batches("3"))


def rows_of_sealed(writer: SegmentWriter) -> list[list[str]]:
    """Return the ids in each sealed segment, oldest first; every one must be whole."""
    readings = [read_segment(path) for path in sorted(writer.owned.folder.glob("*.arrow"))]
    return [[one for batch in reading.batches for one in batch["prediction_id"].to_pylist()] for reading in readings]


def open_descriptors() -> int:
    """Return how many files this process has open."""
    return len(list(Path("/dev/fd").iterdir()))


def tear(writer: SegmentWriter, batch: pa.RecordBatch) -> Path:
    """Let part of a refused batch stay in the growing segment, and return that segment."""
    (growing,) = writer.owned.folder.glob("*.open")
    with failing("ftruncate"), full_disk(growing.stat().st_size + 100), pytest.raises(Unavailable, match="free space"):
        writer.append(batch)
    assert read_segment(growing).torn
    return growing


def test_batch_that_cannot_be_taken_back_ends_its_segment(root: Path, batches: BatchOf) -> None:
    """Rows appended behind torn bytes would never be read, so they go into another segment."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1"))
    torn = tear(writer, batches("2"))
    writer.append(batches("3"))
    assert read_segment(torn).batches == (batches("1"),)
    writer.seal()
    assert rows_of_sealed(writer) == [["1"], ["3"]]
    assert not read_segment(torn.with_suffix(".arrow")).torn


def test_torn_segment_without_rows_is_thrown_away(root: Path, batches: BatchOf) -> None:
    """Nothing was acknowledged in it, so nothing is shipped of it."""
    writer = SegmentWriter(root, "replica")
    tear(writer, batches("1"))
    writer.append(batches("2"))
    writer.seal()
    assert rows_of_sealed(writer) == [["2"]]


def test_torn_segment_that_is_sealed_while_an_append_replaces_it_is_sealed_once(
    root: Path, batches: BatchOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both begin a segment then; the one that comes too late throws its own away."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1"))
    tear(writer, batches("2"))
    system_open = os.open

    def append_first(path: Path, flags: int, mode: int) -> int:
        monkeypatch.undo()
        descriptor = system_open(path, flags, mode)
        writer.append(batches("3"))
        return descriptor

    monkeypatch.setattr(os, "open", append_first)
    writer.seal()
    assert rows_of_sealed(writer) == [["1"]]
    assert len(list(writer.owned.folder.glob("*.open"))) == 1
    writer.seal()
    assert rows_of_sealed(writer) == [["1"], ["3"]]


def test_segment_that_cannot_be_begun_leaves_no_file_and_no_descriptor(root: Path, batches: BatchOf) -> None:
    """A full disk is tried again every few seconds, so what each try leaves would add up."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1"))
    before = set(writer.owned.folder.iterdir()), open_descriptors()
    with full_disk(10), pytest.raises(Unavailable, match="free space"):
        writer.seal()
    assert (set(writer.owned.folder.iterdir()), open_descriptors()) == before
    writer.append(batches("2"))
    writer.seal()
    assert rows_of_sealed(writer) == [["1", "2"]]


def test_file_that_cannot_be_thrown_away_is_tried_again(root: Path, batches: BatchOf) -> None:
    """An empty file below the growing one would hold up the shipping of all behind it."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1"))
    with full_disk(10), failing("unlink"), pytest.raises(Unavailable, match="free space"):
        writer.seal()
    writer.seal()
    assert len(list(writer.owned.folder.glob("*.open"))) == 1


def test_writer_that_cannot_begin_leaves_no_folder(root: Path) -> None:
    """Nothing may hold a folder that nobody writes to."""
    with full_disk(10), pytest.raises(Unavailable, match="free space"):
        SegmentWriter(root, "replica")
    assert list((root / "segments").iterdir()) == []


@pytest.mark.parametrize("name", ["", "../up", ".hidden", "a/b", "a b"])
def test_name_that_is_no_folder_is_refused(root: Path, name: str) -> None:
    """A replica's name may not lead out of the log's folder."""
    with pytest.raises(InvalidInput, match="cannot name a folder"):
        SegmentWriter(root, name)


def test_replica_that_starts_again_under_its_name_gets_another_folder(root: Path) -> None:
    """Segment numbers start again at 1, so they must never meet those of the life before."""
    assert SegmentWriter(root, "replica").owned.app_id != SegmentWriter(root, "replica").owned.app_id


def test_sealing_beside_appending_loses_nothing(root: Path, batches: BatchOf) -> None:
    """Rows appended while another thread seals are each in exactly one segment."""
    writer = SegmentWriter(root, "replica")
    done = threading.Event()

    def seal_until_done() -> None:
        while not done.is_set():
            writer.seal()

    sealer = threading.Thread(target=seal_until_done)
    sealer.start()
    ids = [str(number) for number in range(500)]
    for one in ids:
        writer.append(batches(one))
    done.set()
    sealer.join()
    writer.seal()
    sealed = sorted(writer.owned.folder.glob("*.arrow"))
    readings = [read_segment(path) for path in sealed]
    found = [one for reading in readings for batch in reading.batches for one in batch["prediction_id"].to_pylist()]
    assert found == ids
    assert len(sealed) > 1
