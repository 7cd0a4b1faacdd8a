"""The rows of requests that came with an idempotency key: known by their ids, and found by them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stores.prediction_log.delta import find_table
from stores.prediction_log.reading import read_all

CLAIM_CHARACTERS = 26
"""A claim begins the ids of its rows: 12 hex digits of milliseconds, MARK, 13 digits of chance; six number the row."""
MARK = "k"
"""No other id has it; see serving/prediction_ids.py."""
MARK_AT = 12
AFTER_HEX = "g"
COLUMNS = (
    *("prediction_id", "row", "version", "contract", "plan_revision", "arm", "tier"),
    *("score", "decision", "defaulted", "outcome", "moment_at", "feature_at"),
)


@dataclass(frozen=True, slots=True)
class ClaimedRow:
    """One row of a keyed request as it was answered; a failed one has no score."""

    prediction_id: str
    row: int
    version: str
    contract: str
    plan_revision: int
    arm: str
    tier: str
    score: float | None
    decision: str | None
    defaulted: Sequence[str]
    outcome: str
    moment_at: datetime
    feature_at: Sequence[datetime | None]


def row_id(claim: str, row: int) -> str:
    """Return the prediction id of a claim's row, which is the same whenever and wherever it is answered."""
    return f"{claim}{row:06x}"


def claims_of(rows: pa.Table) -> frozenset[str]:
    """Return the claims that rows of the log belong to."""
    ids = pc.utf8_slice_codeunits(rows["prediction_id"], 0, CLAIM_CHARACTERS)
    marked = pc.equal(pc.utf8_slice_codeunits(ids, MARK_AT, MARK_AT + 1), MARK)
    return frozenset(pc.unique(ids.filter(marked)).to_pylist())


def without_claims(rows: pa.Table, claims: Iterable[str]) -> pa.Table:
    """Return the rows that do not belong to some claims."""
    return rows.filter(pc.invert(_of_claims(rows, claims)))


def find_claimed(root: Path, owners: Mapping[str, Iterable[str]]) -> Mapping[str, Sequence[ClaimedRow]]:
    """Return what is logged of each claim, row by row, the pending rows of its owners included.

    `owners` are the folders of segments in which a claim's rows may wait. A row of a living owner that is being written
    may be missing. Raises Unavailable when the log cannot be read.
    """
    if not owners:
        return {}
    # Segments first: one that vanishes meanwhile is in the table that is opened after.
    folders = sorted({folder for some in owners.values() for folder in some})
    pieces = [
        _wanted(pa.Table.from_batches([batch]), owners)
        for folder in folders
        for _, _, reading in read_all(root / "segments", folder)
        for batch in reading.batches
    ]
    table = find_table(root)
    if table is not None:
        dataset = table.to_pyarrow_dataset()
        # A table that is older than a column gets it with the first row that has it.
        known = [name for name in COLUMNS if name in dataset.schema.names]
        pieces.append(dataset.to_table(columns=known, filter=_between(owners)))
    found: dict[str, dict[int, ClaimedRow]] = {claim: {} for claim in owners}
    for piece in pieces:
        for values in piece.to_pylist():
            one = _row(values)
            found[one.prediction_id[:CLAIM_CHARACTERS]][one.row] = one
    return {claim: [rows[number] for number in sorted(rows)] for claim, rows in found.items()}


def _row(values: Mapping[str, Any]) -> ClaimedRow:
    known: dict[str, Any] = {name: values.get(name) for name in COLUMNS}
    return ClaimedRow(**known)


def _wanted(rows: pa.Table, claims: Iterable[str]) -> pa.Table:
    return rows.filter(_of_claims(rows, claims)).select(list(COLUMNS))


def _of_claims(rows: pa.Table, claims: Iterable[str]) -> pa.ChunkedArray:
    ids = pc.utf8_slice_codeunits(rows["prediction_id"], 0, CLAIM_CHARACTERS)
    return pc.is_in(ids, value_set=pa.array(list(claims), pa.string()))


def _between(claims: Iterable[str]) -> pc.Expression:
    """Return the claims as ranges of ids, by which whole files can be passed over."""
    name = pc.field("prediction_id")
    return reduce(or_, ((name >= claim) & (name < claim + AFTER_HEX) for claim in claims))
