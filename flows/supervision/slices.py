"""The slices rows are in, by what was asked, and the order in which each was first seen."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.json

from feature_repo.columns import columns_of
from feature_repo.definition import ModelDefinition
from feature_repo.editions import editions_of
from flows.supervision.rows import Sides
from lifecycle.contract import Contract, FieldType

ON_THE_WIRE = {
    FieldType.STRING: pa.string(),
    FieldType.INTEGER: pa.int64(),
    FieldType.NUMBER: pa.float64(),
    FieldType.BOOLEAN: pa.bool_(),
    FieldType.TIMESTAMP: pa.string(),
}


def slice_values(
    definition: ModelDefinition, requests: pd.Series, contracts: "pd.Series[str] | None" = None
) -> pd.DataFrame:
    """Return each row's slices as text by slice name, from its logged request, read by the contract it is in.

    `contracts` names them row by row; without it, and where it is null, that is today's. Null for a row without a
    request, or with one that its contract cannot read.
    """
    if contracts is None or not definition.older:
        return _slice_values(definition, requests)
    named = contracts.fillna(definition.contract.name)
    parts = [_slice_values(one, requests[named == one.contract.name]) for one in editions_of(definition)]
    return pd.concat(parts).reindex(requests.index)


def _slice_values(definition: ModelDefinition, requests: pd.Series) -> pd.DataFrame:
    codes, known = pd.factorize(requests)
    readable = _readable(definition.contract, list(known))
    frame = read_requests(definition.contract, [known[place] for place in readable])
    needed = [field.name for field in definition.contract.fields if not field.nullable]
    whole = frame[needed].notna().all(axis=1).to_numpy()
    if not whole.any():
        return pd.DataFrame(index=requests.index, dtype=object)
    columns = columns_of(definition.contract, frame[whole].reset_index(drop=True))
    values = {}
    for name, texts in definition.slices(columns).items():
        # One more at the end, which the code -1 of a missing request reads.
        by_code = np.full(len(known) + 1, None, dtype=object)
        by_code[np.array(readable)[whole]] = texts.astype(str)
        values[name] = by_code[codes]
    return pd.DataFrame(values, index=requests.index)


def _readable(contract: Contract, requests: Sequence[str]) -> list[int]:
    """Return the places of the requests that fit the contract's types."""
    try:
        read_requests(contract, requests)
    except (pa.ArrowInvalid, ValueError):
        if len(requests) == 1:
            return []
        middle = len(requests) // 2
        return [
            *_readable(contract, requests[:middle]),
            *(middle + place for place in _readable(contract, requests[middle:])),
        ]
    return list(range(len(requests)))


def read_requests(contract: Contract, requests: Sequence[str]) -> pd.DataFrame:
    """Return logged requests as a frame of the contract's fields; times are datetime64[us, UTC].

    A field that a request lacks is null. Raises ArrowInvalid or ValueError for a value of another type.
    """
    schema = pa.schema([(field.name, ON_THE_WIRE[field.type]) for field in contract.fields])
    # Line ends separate rows; inside a text they are escaped, and between keys they mean nothing.
    lines = "\n".join(request.replace("\n", " ") for request in requests).encode()
    options = pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    block = pa.json.ReadOptions(block_size=max(len(lines), 1) + 1)
    table = pa.json.read_json(pa.BufferReader(lines), block, options) if requests else schema.empty_table()
    # A blank line would make up for a line of two objects.
    if table.num_rows != len(requests) or not all(request.strip() for request in requests):
        raise ValueError(f"{len(requests)} requests were read as {table.num_rows}; each must be one JSON object")
    frame: pd.DataFrame = table.to_pandas()
    for field in contract.fields:
        if field.type is FieldType.TIMESTAMP:
            frame[field.name] = pd.to_datetime(frame[field.name], utc=True, format="ISO8601").astype(
                "datetime64[us, UTC]"
            )
    return frame


def in_slices(sides: Sides, names: Sequence[str], at_most: int) -> Iterator[tuple[str, Sides]]:
    """Yield the sides of each slice, such as "carrier=AA", of those that were seen first on either side."""
    seen: list[tuple[int, int, str, str]] = []
    for position, name in enumerate(names):
        texts = [_texts(sides.candidate, name)]
        if sides.baseline is not None and not sides.paired:
            texts.append(_texts(sides.baseline, name))
        first = pd.concat(texts).dropna().sort_index(kind="stable").drop_duplicates()
        seen.extend((int(str(index)), position, name, str(value)) for index, value in first.items())
    for _, _, name, value in sorted(seen, key=lambda found: found[:2])[:at_most]:
        mine = (_texts(sides.candidate, name) == value).to_numpy()
        its = None
        if sides.baseline is not None:
            # A pair is one question, so it is where its candidate is.
            its = mine if sides.paired else (_texts(sides.baseline, name) == value).to_numpy()
        yield f"{name}={value}", sides.where(mine, its)


def _texts(rows: pd.DataFrame, name: str) -> "pd.Series[str]":
    # Rows of which none has a request are in no slice.
    return rows[name] if name in rows else pd.Series(None, index=rows.index, dtype=object)
