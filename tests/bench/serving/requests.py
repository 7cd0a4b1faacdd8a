"""Recorded requests as files of JSON bodies, one per line, in each server's form."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias, TypeVar

import pandas as pd

from feature_repo.columns import columns_of
from feature_repo.definition import ModelDefinition
from feature_repo.feast_store import open_feature_store
from feature_repo.online import OnlineFeatures
from feature_repo.vector import assemble
from lifecycle.contract import V2_DATATYPES, Contract, FieldType
from lifecycle.errors import EvidenceMissing

QUESTIONS = 256
ROWS_PER_BATCH = 64

Row: TypeAlias = dict[str, object]
T = TypeVar("T")


@dataclass(frozen=True)
class Bodies:
    """The same questions twice: one row per request, and ROWS_PER_BATCH rows per request."""

    single: Path
    batch: Path


def recorded_requests(definition: ModelDefinition, since: datetime) -> pd.DataFrame:
    """Return what was asked first from a moment on, one row per question, in order."""
    until = since + timedelta(days=1)
    events = {stream.name: stream.read(since - definition.lookback, until) for stream in definition.streams}
    rows = definition.requests(events, since, until).head(QUESTIONS)
    if len(rows) < QUESTIONS:
        raise EvidenceMissing(f"{len(rows)} requests are recorded from {since} to {until}; {QUESTIONS} are needed")
    return rows


def feature_vectors(definition: ModelDefinition, features: Path, rows: pd.DataFrame) -> list[list[float]]:
    """Return the vector of each row as it would be served now."""
    request = columns_of(definition.contract, rows)
    reader = OnlineFeatures(open_feature_store(definition, features), definition, 0.0, lambda: 0.0)
    vectors: list[list[float]] = assemble(definition, request, reader.read(request).values).matrix.tolist()
    return vectors


def plain_rows(contract: Contract, rows: pd.DataFrame) -> list[Row]:
    """Return the contract's fields of each row in JSON's types."""
    columns = [_plain(rows[field.name], field.type) for field in contract.fields]
    names = [field.name for field in contract.fields]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def as_rows(rows: Sequence[object]) -> object:
    """Return the body that holds rows as they are."""
    return {"rows": list(rows)}


def as_tensors(contract: Contract) -> Callable[[Sequence[Row]], object]:
    """Return what makes an Open Inference body of rows: one tensor per field."""

    def body(rows: Sequence[Row]) -> object:
        return {
            "inputs": [
                {
                    "name": field.name,
                    "shape": [len(rows)],
                    "datatype": V2_DATATYPES[field.type],
                    "data": [row[field.name] for row in rows],
                }
                for field in contract.fields
            ]
        }

    return body


def write_bodies(folder: Path, rows: Sequence[T], body: Callable[[Sequence[T]], object]) -> Bodies:
    """Write the bodies of single rows and of batches into a new folder."""
    folder.mkdir()
    bodies = Bodies(folder / "single.jsonl", folder / "batch.jsonl")
    for path, size in ((bodies.single, 1), (bodies.batch, ROWS_PER_BATCH)):
        groups = [rows[start : start + size] for start in range(0, len(rows), size)]
        path.write_text("".join(json.dumps(body(group)) + "\n" for group in groups), encoding="utf-8")
    return bodies


def _plain(column: pd.Series, kind: FieldType) -> list[object]:
    if kind is FieldType.TIMESTAMP:
        return list(column.dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    plain: list[object] = column.astype(object).where(column.notna(), None).tolist()
    return plain
