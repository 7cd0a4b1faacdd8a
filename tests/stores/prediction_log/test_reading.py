"""Segments that were left torn or damaged."""

import random
from pathlib import Path

from stores.prediction_log.reading import read_all, read_segment
from stores.prediction_log.segment import SegmentWriter
from tests.stores.prediction_log.conftest import BatchOf


def test_segment_cut_at_any_byte_keeps_every_complete_batch(root: Path, batches: BatchOf) -> None:
    """Wherever a dying write stopped, the batches before it are read whole and nothing else is."""
    writer = SegmentWriter(root, "replica")
    (growing,) = writer.owned.folder.glob("*.open")
    ends = [growing.stat().st_size]
    written = [batches("1"), batches("2", "3"), batches("4")]
    for batch in written:
        writer.append(batch)
        ends.append(growing.stat().st_size)
    content = growing.read_bytes()
    torn = root / "torn.open"
    for length in range(len(content) + 1):
        torn.write_bytes(content[:length])
        reading = read_segment(torn)
        complete = sum(end <= length for end in ends[1:])
        assert reading.batches == tuple(written[:complete])
        assert reading.whole_bytes == max((end for end in ends if end <= length), default=0)
        assert reading.torn == (length not in (0, *ends))


def test_damaged_bytes_end_the_segment_without_an_error(root: Path, batches: BatchOf) -> None:
    """Whatever a disk returns, reading gives batches of the schema or stops; it never fails."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1"))
    writer.append(batches("2"))
    (growing,) = writer.owned.folder.glob("*.open")
    content = growing.read_bytes()
    damaged = root / "damaged.open"
    chance = random.Random(7)
    for _ in range(300):
        changed = bytearray(content)
        changed[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        damaged.write_bytes(changed)
        assert read_segment(damaged).whole_bytes <= len(content)


def test_zeroed_tail_after_a_power_failure_is_no_batch(root: Path, batches: BatchOf) -> None:
    """A file system may keep a file's length and lose its last pages."""
    writer = SegmentWriter(root, "replica")
    writer.append(batches("1"))
    (growing,) = writer.owned.folder.glob("*.open")
    kept = growing.stat().st_size
    with growing.open("ab") as file:
        file.write(bytes(4096))
    reading = read_segment(growing)
    assert (reading.batches, reading.whole_bytes, reading.torn) == ((batches("1"),), kept, True)


def test_growing_and_sealed_segments_of_all_replicas_are_read(root: Path, batches: BatchOf) -> None:
    """What is pending is everything that lies in segments, wherever it is on its way."""
    first, second = SegmentWriter(root, "a"), SegmentWriter(root, "b")
    first.append(batches("1"))
    first.seal()
    first.append(batches("2"))
    second.append(batches("3"))
    numbered = [(app_id, number, reading.rows) for app_id, number, reading in read_all(root / "segments")]
    assert numbered == [(first.owned.app_id, 1, 1), (first.owned.app_id, 2, 1), (second.owned.app_id, 1, 1)]
