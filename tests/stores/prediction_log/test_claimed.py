"""The rows of keyed requests are found by their claim, wherever they are, and dropped when they are void."""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa

from serving.prediction_ids import PredictionIds
from stores.prediction_log.claimed import claims_of, find_claimed, row_id, without_claims
from stores.prediction_log.ownership import owner_lives, place_of
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import adopt_orphans, ship
from stores.prediction_log.table import PredictionLog

FIRST = f"{1364817600000:012x}k{1:013x}"
SECOND = f"{1364817600000:012x}k{2:013x}"


def batch(*ids: str, **values: Any) -> pa.RecordBatch:
    """Return rows with these ids."""
    rows = [{"prediction_id": one, "row": number, "outcome": "answered"} | values for number, one in enumerate(ids)]
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


def of(claim: str, count: int) -> list[str]:
    """Return the ids of a claim's first rows."""
    return [row_id(claim, row) for row in range(count)]


def test_ids_are_as_long_as_others_and_no_other_id_looks_like_them() -> None:
    """Thirty-two characters, in the order of time."""
    others = PredictionIds(lambda: 1364817601.0).take(100)
    assert {len(one) for one in [*others, *of(FIRST, 3)]} == {32}
    assert claims_of(pa.table({"prediction_id": others})) == frozenset()
    assert claims_of(pa.table({"prediction_id": [*others, *of(FIRST, 3), *of(SECOND, 1)]})) == {FIRST, SECOND}
    assert max(of(FIRST, 300)) < min(others)
    assert of(FIRST, 300) == sorted(of(FIRST, 300))


def test_rows_are_found_in_growing_sealed_and_shipped_segments(tmp_path: Path) -> None:
    """Of the claims asked for and of no others, in the order of their rows."""
    writer = SegmentWriter(tmp_path, "replica")
    owner = writer.owned.app_id
    growing = find_claimed(tmp_path, {FIRST: [owner]})
    assert growing == {FIRST: []}
    writer.append(batch(*reversed(of(FIRST, 2))))
    writer.append(batch(*of(SECOND, 1), *PredictionIds(lambda: 0.0).take(1)))
    found = find_claimed(tmp_path, {FIRST: [owner], SECOND: [owner, "gone.1"]})
    assert {claim: len(rows) for claim, rows in found.items()} == {FIRST: 2, SECOND: 1}
    writer.seal()
    assert find_claimed(tmp_path, {FIRST: [owner], SECOND: [owner]}) == found
    ship(tmp_path, writer.owned)
    assert find_claimed(tmp_path, {FIRST: ["elsewhere.1"], SECOND: []}) == found
    assert find_claimed(tmp_path, {}) == {}


def test_folder_of_another_owner_is_not_read(tmp_path: Path) -> None:
    """What is not shipped is looked for where it can be."""
    writer = SegmentWriter(tmp_path, "replica")
    writer.append(batch(*of(FIRST, 1)))
    assert find_claimed(tmp_path, {FIRST: ["another.1"]}) == {FIRST: []}


def test_void_rows_are_dropped_when_they_are_adopted(tmp_path: Path) -> None:
    """The others of the same segment are kept, and a folder without keyed rows asks nobody."""
    asked: list[frozenset[str]] = []

    def void(_: str, claims: frozenset[str]) -> frozenset[str]:
        asked.append(claims)
        return frozenset({FIRST})

    writer, plain = SegmentWriter(tmp_path, "replica"), SegmentWriter(tmp_path, "replica")
    writer.append(batch(*of(FIRST, 2), *of(SECOND, 1), "a" * 32))
    plain.append(batch("b" * 32))
    for one in (writer, plain):
        os.close(one.owned.descriptor)
    adopt_orphans(tmp_path, void)
    assert asked == [{FIRST, SECOND}]
    kept = [row["prediction_id"] for row in PredictionLog(tmp_path).query("SELECT prediction_id FROM predictions")]
    assert sorted(kept) == sorted([*of(SECOND, 1), "a" * 32, "b" * 32])


def test_without_claims_keeps_everything_else() -> None:
    """In its order."""
    rows = pa.Table.from_batches([batch(*of(FIRST, 2), "a" * 32)])
    assert without_claims(rows, [FIRST])["prediction_id"].to_pylist() == ["a" * 32]


def test_owner_lives_until_the_kernel_lets_go_of_its_folder(tmp_path: Path) -> None:
    """Asking does not disturb the owner, nor whoever adopts the folder."""
    writer = SegmentWriter(tmp_path, "replica")
    assert owner_lives(writer.owned.folder)
    os.close(writer.owned.descriptor)
    assert not owner_lives(writer.owned.folder)
    assert not owner_lives(tmp_path / "segments" / "nobody")
    adopt_orphans(tmp_path)
    assert not writer.owned.folder.exists()


def test_place_keeps_its_name(tmp_path: Path) -> None:
    """One name per folder, for everybody."""
    first = place_of(tmp_path / "a")
    assert place_of(tmp_path / "a") == first
    assert place_of(tmp_path / "b") != first
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["place"]
