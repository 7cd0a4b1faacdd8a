"""Captured rows as a file for people to label, and that file read again."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lifecycle.errors import InvalidInput
from stores.ledger.captures import Capture

CAPTURE = "capture_id"
SUFFIXES = (".csv", ".parquet")


def write_rows(file: Path, capture: Capture, rows: pa.Table) -> int:
    """Write one line per captured example and return how many there are.

    A line has the capture, the example, the request's fields, score, decision and tier of its first answer, and an
    empty label. Raises InvalidInput for a file that is there already, or is neither CSV nor Parquet.
    """
    if file.suffix.lower() not in SUFFIXES:
        raise InvalidInput(f"{file} is neither .csv nor .parquet; give one of these")
    if file.exists():
        raise InvalidInput(f"{file} is there already, perhaps with labels in it; give another name")
    lines = _lines(capture, rows.to_pylist())
    columns = list(dict.fromkeys(name for line in lines for name in line))
    if file.suffix.lower() == ".csv":
        with file.open("x", encoding="utf-8", newline="") as written:
            writer = csv.DictWriter(written, columns)
            writer.writeheader()
            writer.writerows(lines)
    else:
        table = pa.Table.from_pylist([{name: line.get(name) for name in columns} for line in lines])
        label = table.schema.get_field_index("label")
        # A column of nothing has no type, and programs that fill it need one.
        pq.write_table(table.set_column(label, "label", pa.nulls(table.num_rows, pa.int64())), file)
    return len(lines)


def capture_of(file: Path) -> str:
    """Return of which capture a labelled file is; raises InvalidInput when it does not say so, or names several."""
    if not file.is_file():
        raise InvalidInput(f"{file} is not there, or no file")
    named = _named(file)
    if len(named) != 1 or not all(named):
        raise InvalidInput(
            f"{file} names {', '.join(sorted(named)) or 'no capture'} in its column {CAPTURE}; allowed: one capture, "
            "in every line, as `holdfast captures export` writes it"
        )
    return named.pop()


def _named(file: Path) -> set[str]:
    try:
        if file.suffix.lower() == ".parquet":
            if CAPTURE not in pq.read_schema(file).names:
                return set()
            return {str(one or "") for one in pq.read_table(file, columns=[CAPTURE])[CAPTURE].to_pylist()}
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            return {row[CAPTURE] or "" for row in reader} if CAPTURE in (reader.fieldnames or ()) else set()
    except (UnicodeDecodeError, csv.Error, pa.ArrowException, OSError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}") from error


def _lines(capture: Capture, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    first: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        first.setdefault(row["example_id"], row)
    return [
        {
            CAPTURE: capture.capture_id,
            "example_id": example,
            **json.loads(row["request"] or "{}"),
            "score": row["score"],
            "decision": row["decision"],
            "tier": row["tier"],
            "label": None,
        }
        for example, row in first.items()
    ]
