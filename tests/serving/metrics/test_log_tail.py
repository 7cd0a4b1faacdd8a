"""The tail of the log: every row counted once, whoever ships it and whoever dies."""

import os
from pathlib import Path

import pytest

from lifecycle.errors import Unavailable
from serving.metrics.log_tail import LogTail
from serving.metrics.served_families import PREDICTIONS, UNCOUNTED
from stores.prediction_log.compaction import compact, expire
from stores.prediction_log.delta import table_folder
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import adopt_orphans, ship
from tests.serving.metrics.conftest import batch, logged_row

CHAMPION = ("toy", "1", "champion", "model", "answered")


def ship_rows(root: Path, writer: SegmentWriter, n_rows: int) -> None:
    """Log and ship rows."""
    writer.append(batch(*[logged_row()] * n_rows))
    writer.seal()
    ship(root, writer.owned)


def count(tail: LogTail) -> float:
    """Return how many of the champion's rows a tail has counted."""
    return sum(tail.figures().of(PREDICTIONS).get(CHAMPION, (0.0,)))


def test_shipped_rows_are_counted_once(log_root: Path, folder: Path, writer: SegmentWriter) -> None:
    """A round without news changes nothing."""
    tail = LogTail(log_root, folder)
    tail.begin()
    ship_rows(log_root, writer, 3)
    tail.advance()
    assert count(tail) == 3
    assert tail.advance() == 0
    ship_rows(log_root, writer, 2)
    tail.advance()
    assert count(tail) == 5


def test_another_replica_goes_on_where_the_last_one_stopped(
    log_root: Path, folder: Path, writer: SegmentWriter
) -> None:
    """What one has counted, its successor does not count again."""
    first = LogTail(log_root, folder)
    first.begin()
    ship_rows(log_root, writer, 3)
    first.advance()
    ship_rows(log_root, writer, 4)
    second = LogTail(log_root, folder)
    second.begin()
    second.advance()
    assert count(second) == count(first) == 7


def test_rows_adopted_from_a_killed_replica_are_counted(log_root: Path, folder: Path, writer: SegmentWriter) -> None:
    """They are shipped by somebody else, in its name, and count as any other."""
    tail = LogTail(log_root, folder)
    tail.begin()
    ship_rows(log_root, writer, 1)
    writer.append(batch(logged_row(), logged_row()))
    os.close(writer.owned.descriptor)
    adopt_orphans(log_root)
    tail.advance()
    assert count(tail) == 3


def test_process_that_dies_before_it_keeps_its_counts_costs_none(
    log_root: Path, folder: Path, writer: SegmentWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts and position change together or not at all."""
    tail = LogTail(log_root, folder)
    tail.begin()
    ship_rows(log_root, writer, 3)

    def die(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("serving.metrics.log_tail.write_kept", die)
        with pytest.raises(OSError, match="no space"):
            tail.advance()
    assert count(tail) == 0
    tail.advance()
    assert count(tail) == 3


def test_only_one_replica_counts_at_a_time(log_root: Path, folder: Path, writer: SegmentWriter) -> None:
    """The other passes, and is not held up."""
    tail, other = LogTail(log_root, folder), LogTail(log_root, folder)
    tail.begin()
    ship_rows(log_root, writer, 1)
    with other._alone() as mine:
        assert mine
        assert tail.advance() == 0
    assert tail.advance() > 0


def test_compacted_log_counts_no_row_again(log_root: Path, folder: Path, writer: SegmentWriter) -> None:
    """Merged files hold rows that were counted, or will be, in the commit that brought them."""
    tail = LogTail(log_root, folder)
    tail.begin()
    for _ in range(3):
        ship_rows(log_root, writer, 2)
    tail.advance()
    assert compact(log_root).files_before == 3
    tail.advance()
    assert count(tail) == 6


def test_rows_that_were_merged_and_deleted_before_they_were_counted_are_told(
    log_root: Path, folder: Path, writer: SegmentWriter
) -> None:
    """Nobody counted for hours: the rows cannot be told apart any more, and how many they were is said."""
    tail = LogTail(log_root, folder)
    tail.begin()
    for _ in range(3):
        ship_rows(log_root, writer, 2)
    compact(log_root)
    expire(log_root, keep_hours=0)
    ship_rows(log_root, writer, 1)
    tail.advance()
    assert tail.figures().of(UNCOUNTED) == {(): [6.0]}
    assert count(tail) == 1


def test_commits_that_were_cleaned_away_do_not_stop_the_tail(
    log_root: Path, folder: Path, writer: SegmentWriter
) -> None:
    """After days without a gateway the old commits are gone, and counting goes on with those that are there."""
    tail = LogTail(log_root, folder)
    tail.begin()
    for _ in range(3):
        ship_rows(log_root, writer, 2)
    expire(log_root)
    commits = sorted((table_folder(log_root) / "_delta_log").glob("0*.json"))
    for commit in commits[:-1]:
        commit.unlink()
    ship_rows(log_root, writer, 1)
    tail.advance()
    assert count(tail) == 3


def test_tail_that_begins_on_a_log_with_rows_counts_what_comes(
    log_root: Path, folder: Path, writer: SegmentWriter
) -> None:
    """An upgrade does not read the whole past."""
    ship_rows(log_root, writer, 5)
    tail = LogTail(log_root, folder)
    tail.begin()
    ship_rows(log_root, writer, 1)
    tail.advance()
    assert count(tail) == 1


def test_garbled_commit_is_unavailable(log_root: Path, folder: Path, writer: SegmentWriter) -> None:
    """It is said, and nothing is passed over in silence."""
    tail = LogTail(log_root, folder)
    tail.begin()
    ship_rows(log_root, writer, 1)
    newest = max((table_folder(log_root) / "_delta_log").glob("0*.json"))
    newest.write_text("{", encoding="utf-8")
    with pytest.raises(Unavailable, match="cannot be read"):
        tail.advance()
