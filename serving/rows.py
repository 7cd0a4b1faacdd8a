"""Request rows of one contract: typed and range-checked in one pass, then columns for the features.

The fast path decodes straight into msgspec structs; a request that it refuses is read again by
`row_problems`, so that the answer can name everything that is wrong with it.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from types import GenericAlias
from typing import Any, TypeAlias

import msgspec
import numpy as np

from feature_repo.definition import Columns
from lifecycle.contract import Contract, FieldType
from lifecycle.errors import ContractViolation
from serving.field_types import EARLIEST, LATEST, field_type
from serving.repeated_keys import refuse_repeated_keys
from serving.row_problems import RowProblems, malformed, untyped, violated

Row: TypeAlias = msgspec.Struct
"""One decoded row: an attribute per contract field, immutable."""

CodecFor: TypeAlias = Callable[[Contract], "RowCodec"]
"""From a contract to what reads and writes its rows."""

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class RowCodec:
    """Reads and writes the rows of one contract, at most `max_rows` a request."""

    def __init__(self, contract: Contract, max_rows: int) -> None:
        self.contract = contract
        self._max_rows = max_rows
        self._types = {field.name: field_type(field) for field in contract.fields}
        self.problems = RowProblems(contract, self._types, max_rows)
        self._row: Any = msgspec.defstruct(
            "Row", list(self._types.items()), forbid_unknown_fields=True, frozen=True, gc=False
        )
        body = msgspec.defstruct("Body", [("rows", _list_of(self._row))], forbid_unknown_fields=True)
        self._body = msgspec.json.Decoder(body)
        self._columns = {name: msgspec.json.Decoder(_list_of(kind)) for name, kind in self._types.items()}
        moments = [field.name for field in contract.fields if field.type is FieldType.TIMESTAMP]
        self._moments = {name: attrgetter(name) for name in moments}
        self._arrays = [(field.name, attrgetter(field.name), _array_of(field.type)) for field in contract.fields]
        texts = [one for one in contract.fields if one.type in (FieldType.STRING, FieldType.TIMESTAMP)]
        self._strings_per_row = len(contract.fields) + len(texts)
        self._nullable_texts = [attrgetter(one.name) for one in texts if one.nullable]
        self._encode = msgspec.json.Encoder().encode

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the contract's fields, in its order."""
        return tuple(self._types)

    def from_json(self, body: bytes) -> list[Row]:
        """Return the rows of `{"rows": [{…}, …]}`.

        Raises ContractViolation listing what is wrong, or Refused when the body is no JSON.
        """
        try:
            rows: list[Row] = self._body.decode(body).rows  # type: ignore[attr-defined]
        except UNDECODABLE as error:
            raise self.problems.of_body(body, str(error)) from error
        if not 1 <= len(rows) <= self._max_rows or self._out_of_time(rows):
            raise self.problems.of_body(body, "the rows do not fit the contract")
        n_nulls = sum(get(row) is None for get in self._nullable_texts for row in rows)
        refuse_repeated_keys(body, 1 + len(rows) * self._strings_per_row - n_nulls)
        return rows

    def column(self, name: str, raw: bytes) -> list[object]:
        """Return one field's column from a JSON array; raises ContractViolation naming the rows that do not fit."""
        try:
            values: list[object] = self._columns[name].decode(raw)
        except UNDECODABLE as error:
            raise (self.problems.of_column(name, untyped(raw)) or malformed(str(error))) from error
        return values

    def convert(self, name: str, values: list[object]) -> list[object]:
        """Return one field's column from plain values; raises ContractViolation as `column` does."""
        refusal = self.problems.of_column(name, values)
        if refusal is not None:
            raise refusal
        converted: list[object] = msgspec.convert(values, _list_of(self._types[name]))
        return converted

    def from_columns(self, columns: Mapping[str, list[object]]) -> list[Row]:
        """Return the rows of equally long decoded columns; raises ContractViolation when one is missing."""
        missing = [self.problems.missing(name) for name in self._types if name not in columns]
        if missing:
            raise violated(*missing)
        rows = [self._row(*values) for values in zip(*(columns[name] for name in self._types), strict=True)]
        if not 1 <= len(rows) <= self._max_rows:
            raise self.problems.count(len(rows))
        if self._out_of_time(rows):
            raise self._late(columns)
        return rows

    def row(self, values: Mapping[str, object]) -> Row:
        """Return a row of typed values that are known to fit the contract."""
        made: Row = self._row(**values)
        return made

    def columns(self, rows: Sequence[Row]) -> Columns:
        """Return the rows as arrays by field name, (n_rows,) each, typed as Columns says."""
        return {name: array([get(row) for row in rows]) for name, get, array in self._arrays}

    def as_json(self, row: Row) -> str:
        """Return one row as a JSON object, fields in the contract's order."""
        return self._encode(row).decode()

    def _out_of_time(self, rows: Sequence[Row]) -> bool:
        for get in self._moments.values():
            for row in rows:
                moment = get(row)
                if moment is not None and not EARLIEST <= moment < LATEST:
                    return True
        return False

    def _late(self, columns: Mapping[str, list[object]]) -> ContractViolation:
        found = [self.problems.of_column(name, columns[name]) for name in self._moments]
        return violated(*(problem for refusal in found if refusal is not None for problem in refusal.problems))


def _list_of(kind: Any) -> Any:
    # mypy reads a subscript as an annotation; this type is made at run time.
    return GenericAlias(list, (kind,))


def _array_of(kind: FieldType) -> Callable[[list[Any]], np.ndarray]:
    if kind is FieldType.TIMESTAMP:
        return lambda moments: np.array([np.nan if m is None else m.timestamp() for m in moments], dtype=np.float64)
    if kind is FieldType.STRING:
        return lambda texts: np.array(texts, dtype=object)
    dtype: type = {FieldType.INTEGER: np.int64, FieldType.NUMBER: np.float64, FieldType.BOOLEAN: np.bool_}[kind]
    return lambda values: np.array(values, dtype=dtype)
