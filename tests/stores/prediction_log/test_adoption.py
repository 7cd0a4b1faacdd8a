"""What dead replicas left is shipped in their name, and what cannot be is left for the next time."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from stores.prediction_log.delta import table_folder
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import Adopted, adopt_orphans, ship
from stores.prediction_log.table import PredictionLog
from tests.stores.prediction_log.conftest import BatchOf, die, failing, ids_in


def test_orphan_is_adopted_with_its_torn_tail_cut(root: Path, batches: BatchOf) -> None:
    """The complete batches of a dead replica are shipped in its name and its folder is removed."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1"))
    writer.seal()
    writer.append(batches("2"))
    (growing,) = writer.owned.folder.glob("*.open")
    with growing.open("ab") as file:
        file.write(b"\xff\xff\xff\xff torn")
    die(writer)
    assert adopt_orphans(root) == Adopted((writer.owned.app_id,), rows=2, cut_bytes=9)
    assert ids_in(root) == ["1", "2"]
    assert not writer.owned.folder.exists()
    assert adopt_orphans(root) == Adopted((), rows=0, cut_bytes=0)


def test_living_replica_is_not_adopted(root: Path, batches: BatchOf) -> None:
    """Segments of a replica that still serves are its own to ship."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1"))
    assert adopt_orphans(root).folders == ()
    assert PredictionLog(root).pending() == 1


def test_thing_that_cannot_be_adopted_does_not_keep_the_others(root: Path, batches: BatchOf) -> None:
    """Whatever lies among the segments is named and left; the replicas behind it are adopted."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1"))
    die(writer)
    segments = writer.owned.folder.parent
    (segments / "a-file").touch()
    (segments / "b-folder" / "owner").mkdir(parents=True)
    (segments / "c-replica.0").mkdir()
    for name in ("owner", "notes.arrow"):
        (segments / "c-replica.0" / name).touch()
    found = adopt_orphans(root)
    assert found == Adopted((writer.owned.app_id,), rows=1, cut_bytes=0, left=("a-file", "b-folder", "c-replica.0"))
    assert ids_in(root) == ["1"]


def test_orphans_wait_while_the_table_cannot_be_written(root: Path, batches: BatchOf) -> None:
    """They are named as left and keep their rows, and the next call adopts them."""
    names = []
    for number in range(2):
        writer = SegmentWriter(root, f"replica-{number}")
        writer.append(batches(str(number)))
        die(writer)
        names.append(writer.owned.app_id)
    table_folder(root).write_text("in the way")
    assert adopt_orphans(root) == Adopted((), rows=0, cut_bytes=0, left=tuple(names))
    table_folder(root).unlink()
    assert adopt_orphans(root) == Adopted(tuple(names), rows=2, cut_bytes=0)
    assert ids_in(root) == ["0", "1"]


def test_two_adopters_at_once_ship_every_orphan_once(root: Path, batches: BatchOf) -> None:
    """The lock on a folder gives each orphan to one of them."""
    for number in range(6):
        writer = SegmentWriter(root, f"replica-{number}")
        writer.append(batches(str(number)))
        die(writer)
    adopted: list[Adopted] = []
    adopters = [threading.Thread(target=lambda: adopted.append(adopt_orphans(root))) for _ in range(2)]
    for adopter in adopters:
        adopter.start()
    for adopter in adopters:
        adopter.join()
    assert sum(one.rows for one in adopted) == 6
    assert ids_in(root) == [str(number) for number in range(6)]


@pytest.mark.parametrize("fails_to_the_end", [False, True])
@pytest.mark.parametrize("end", [SegmentWriter.close, die])
@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_segment_that_could_not_be_sealed_is_adopted(
    root: Path, batches: BatchOf, call: str, end: Callable[[SegmentWriter], None], *, fails_to_the_end: bool
) -> None:
    """However its replica ends, every row is in the table once after adoption."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1"))
    with failing(call), pytest.raises(OSError, match="input/output"):
        writer.seal()
    writer.append(batches("2"))
    if fails_to_the_end:
        with failing(call):
            end(writer)
    else:
        writer.seal()
        ship(root, writer.owned)
        writer.append(batches("3"))
        end(writer)
    adopt_orphans(root)
    assert ids_in(root) == (["1", "2"] if fails_to_the_end else ["1", "2", "3"])
    assert list((root / "segments").iterdir()) == []
