"""A file of labels, read whole or refused with everything that is wrong in it."""

import csv
from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lifecycle.errors import InvalidInput
from stores.ledger.labels import Word

COLUMNS = ("example_id", "label")
LABELS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1}
MOST_TOLD = 20
"""Lines that are wrong are told up to this many; then their number is."""

Line = tuple[int, str, str]
"""A row's number as a person counts it, its example and its label as they stand there."""


def read_words(file: Path, known: Collection[str], *, blanks_are_skipped: bool = False) -> list[Word]:
    """Return the labels of a CSV or Parquet file with the columns example_id and label.

    `known` are the examples that may be labelled. With `blanks_are_skipped`, lines without a label are no words. An
    example that is there twice with one label counts once. Raises InvalidInput naming every line that cannot be taken,
    and what is allowed there: a CSV's lines with its header as the first, a Parquet file's rows from 1.
    """
    read = {".csv": _csv, ".parquet": _parquet}.get(file.suffix.lower())
    if read is None:
        raise InvalidInput(f"{file} is neither .csv nor .parquet; give one of these")
    if not file.is_file():
        raise InvalidInput(f"{file} is not there, or no file")
    words: dict[str, int] = {}
    first_lines: dict[str, int] = {}
    wrong: list[str] = []
    for line, example, label in read(file):
        if blanks_are_skipped and not label:
            continue
        problem = _problem(example, label, known)
        if problem is None and words.get(example, LABELS[label]) != LABELS[label]:
            problem = f"{example!r} is {label} here and {words[example]} in line {first_lines[example]}; give it once"
        if problem is not None:
            wrong.append(f"line {line}: {problem}")
            continue
        words.setdefault(example, LABELS[label])
        first_lines.setdefault(example, line)
    if wrong:
        more = f"\nand {len(wrong) - MOST_TOLD:,} lines more" if len(wrong) > MOST_TOLD else ""
        told = "\n".join(wrong[:MOST_TOLD])
        raise InvalidInput(f"{file} has {len(wrong):,} wrong lines, and nothing of it was taken\n{told}{more}")
    if not words:
        raise InvalidInput(f"{file} has no rows" + (" with a label" if blanks_are_skipped else ""))
    return [Word(example, label) for example, label in words.items()]


def _problem(example: str, label: str, known: Collection[str]) -> str | None:
    if not example:
        return "example_id is empty; allowed: the id of an answered example"
    if example not in known:
        return f"{example!r} was never answered; allowed: an example_id of the prediction log"
    if label not in LABELS:
        return f"the label of {example!r} is {label!r}; allowed: 0 or 1"
    return None


def _csv(file: Path) -> Iterator[Line]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            _require_columns(file, rows.fieldnames or ())
            for row in rows:
                yield rows.line_num, (row["example_id"] or "").strip(), (row["label"] or "").strip()
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{file} cannot be read as CSV in UTF-8: {error}") from error


def _parquet(file: Path) -> Iterator[Line]:
    try:
        names = pq.read_schema(file).names
        _require_columns(file, names)
        table = pq.read_table(file, columns=list(COLUMNS))
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(f"{file} cannot be read as Parquet: {error}") from error
    for number, row in enumerate(table.to_pylist(), start=1):
        label = row["label"]
        shown = str(int(label)) if isinstance(label, bool) else "" if label is None else str(label)
        yield number, "" if row["example_id"] is None else str(row["example_id"]), shown


def _require_columns(file: Path, names: Collection[str]) -> None:
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise InvalidInput(f"{file} lacks {' and '.join(missing)}; it has {', '.join(names) or 'no columns'}")
