"""Openings are kept in files and in the ledger, whatever is away in between."""

from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import Engine

from lifecycle.errors import NotFound, Unavailable
from serving.outputs.capturing import MOST_WAITING, Capturing
from serving.outputs.opening import Guarded, Opening
from stores.captures import CaptureFiles
from stores.ledger.captures import Captures
from stores.ledger.opening import connect, open_ledger
from tests.lifecycle.scores import ids
from tests.serving.outputs.stopped import Hands
from tests.serving.outputs.test_guard import batch

HANDS = Hands()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Return an empty ledger."""
    return open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")


@pytest.fixture
def files(tmp_path: Path) -> CaptureFiles:
    """Return where files go."""
    return CaptureFiles(tmp_path / "captures")


@pytest.fixture
def capturing(engine: Engine, files: CaptureFiles) -> Capturing:
    """Return what is tested."""
    return Capturing(files, Captures(engine), HANDS.now)


def opening(replica: str = "r", most_rows: int = 30) -> Opening:
    """Return an opening with ten rows before the moment."""
    key = Guarded("m", "1", "champion")
    evidence: dict[str, float | int | str] = {"statistic": "mean", "value": 2.0}
    return Opening(key, replica, "odd", evidence, HANDS.now(), most_rows, [batch(ids(10))])


def test_opening_is_stored_at_once_and_whole_when_its_rows_are_there(
    capturing: Capturing, engine: Engine, files: CaptureFiles
) -> None:
    """The file is replaced once, and the rows leave the memory."""
    one = opening()
    capturing.offer(one)
    capturing.flush()
    assert Captures(engine).get(one.capture_id).rows == files.read(one.capture_id).num_rows == 10
    one.add(batch(ids(10, 10)))
    capturing.flush()
    assert files.read(one.capture_id).num_rows == 10
    one.add(batch(ids(10, 20)))
    one.add(batch(ids(10, 30)))
    capturing.flush()
    assert files.read(one.capture_id)["example_id"].to_pylist() == ids(30)
    assert Captures(engine).get(one.capture_id).rows == 30
    assert one.batches == []


def test_closing_before_the_rows_are_there_ends_the_capture(
    capturing: Capturing, engine: Engine, files: CaptureFiles
) -> None:
    """What came until then is kept, and nothing is stored anew afterwards."""
    one = opening()
    capturing.offer(one)
    one.add(batch(ids(5, 10)))
    one.closed_at = HANDS.now()
    one.add(batch(ids(5, 15)))
    capturing.flush()
    kept = Captures(engine).get(one.capture_id)
    assert (kept.rows, kept.closed_at) == (15, HANDS.now())
    assert files.read(one.capture_id).num_rows == 15
    files.path(one.capture_id).unlink()
    capturing.flush()
    assert not files.path(one.capture_id).exists()


def test_several_openings_at_once_are_several_captures(capturing: Capturing, engine: Engine) -> None:
    """Also at the same moment, by their replica."""
    for replica in ("r", "s"):
        capturing.offer(opening(replica))
    capturing.flush()
    assert {capture.replica for capture in Captures(engine).all("m")} == {"r", "s"}


def test_full_disk_is_told_by_the_ledger_and_tried_again(
    capturing: Capturing, engine: Engine, files: CaptureFiles
) -> None:
    """A breaker that is open must be heard of, with or without its rows."""
    files.folder.write_text("in the way", encoding="utf-8")
    one = opening()
    capturing.offer(one)
    capturing.flush()
    assert Captures(engine).get(one.capture_id).rows == 0
    files.folder.unlink()
    capturing.flush()
    assert Captures(engine).get(one.capture_id).rows == files.read(one.capture_id).num_rows == 10


def test_ledger_that_is_away_is_told_later(tmp_path: Path, files: CaptureFiles) -> None:
    """The file is there meanwhile."""
    address = f"sqlite:///{tmp_path / 'later.db'}"
    open_ledger(address).dispose()
    ledger = tmp_path / "later.db"
    ledger.rename(tmp_path / "away.db")
    ledger.mkdir()
    engine = connect(address)
    capturing = Capturing(files, Captures(engine), HANDS.now)
    one = opening()
    capturing.offer(one)
    capturing.flush()
    assert files.read(one.capture_id).num_rows == 10
    ledger.rmdir()
    (tmp_path / "away.db").rename(ledger)
    capturing.flush()
    assert Captures(engine).get(one.capture_id).rows == 10


def test_disk_that_stays_full_does_not_fill_the_memory(capturing: Capturing, files: CaptureFiles) -> None:
    """The rows of the oldest are let go; their word is in the ledger."""
    files.folder.write_text("in the way", encoding="utf-8")
    openings = [opening(f"r{number}") for number in range(MOST_WAITING + 3)]
    for one in openings:
        capturing.offer(one)
    capturing.flush()
    assert [one.batches == [] for one in openings[:4]] == [True, True, True, False]
    files.folder.unlink()
    capturing.flush()
    assert not files.path(openings[0].capture_id).exists()
    assert files.read(openings[3].capture_id).num_rows == 10


def test_file_that_cannot_be_read_is_said(files: CaptureFiles) -> None:
    """A reader gets an error of ours."""
    files.write("c", pa.Table.from_batches([batch(ids(1))]))
    files.path("c").write_bytes(b"torn")
    with pytest.raises(Unavailable, match="cannot be read"):
        files.read("c")
    with pytest.raises(NotFound, match="is gone"):
        files.read("d")
