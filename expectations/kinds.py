"""The kind of each column: what a frame's dtype proves, which columns must be looked at, and the exact dtype to store.

Nothing is coerced. A column whose dtype already proves its kind needs no look at its values; any other is handed
to Great Expectations value by value.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from expectations.tallies import Examined, examine_frame, failing_rows
from lifecycle.contract import FieldType


@dataclass(frozen=True)
class Column:
    """What every value of a column must be, and whether it may be missing."""

    kind: FieldType
    nullable: bool = False


@dataclass(frozen=True)
class Unstorable:
    """A value shown in place of one that no stored dtype holds, or that Great Expectations cannot even look at."""

    told: str


PYTHON_TYPES = {
    FieldType.STRING: ["str"],
    FieldType.INTEGER: ["int", "int64"],
    FieldType.NUMBER: ["float", "float64", "int", "int64"],
    FieldType.BOOLEAN: ["bool", "bool_"],
    FieldType.TIMESTAMP: ["Timestamp"],
}
"""The types a single value may have, by their Python and NumPy names. Naive times are shown as datetime64."""


LARGEST = 2**63 - 1
"""The largest integer that can be stored."""


def in_kind(frame: pd.DataFrame, columns: Mapping[str, Column]) -> tuple[pd.DataFrame, tuple[Examined, ...]]:
    """Return the rows whose every value is of its kind, and what was found in the others.

    `frame` (n_rows, n_columns) is indexed 0 to n_rows - 1 and the rows returned keep their index. They are in the
    dtypes they are stored in. String: object of str or None; integer: int64; number: float64; boolean: bool;
    timestamp: datetime64[us, UTC].
    """
    import great_expectations.expectations as gxe  # noqa: PLC0415 - takes seconds, and only an examination needs it

    shown = frame[list(columns)].copy()
    doubtful = [name for name, column in columns.items() if not _proves(shown[name], column.kind)]
    for name in doubtful:
        shown[name] = _as_found(shown[name], columns[name].kind)
    lacking = [name for name, column in columns.items() if not column.nullable and shown[name].isna().any()]
    of_kind = [
        gxe.ExpectColumnValuesToBeInTypeList(column=name, type_list=PYTHON_TYPES[columns[name].kind])
        for name in doubtful
    ]
    examined = examine_frame(shown, [*of_kind, *(gxe.ExpectColumnValuesToNotBeNull(column=name) for name in lacking)])
    sound = shown.drop(index=list(failing_rows(examined)))
    typed = {name: _to_kind(sound[name], column.kind) for name, column in columns.items()}
    return pd.DataFrame(typed, index=sound.index), examined


def _proves(column: pd.Series, kind: FieldType) -> bool:
    if len(column) == 0:
        return True
    dtype = column.dtype
    if kind is FieldType.STRING:
        return pd.api.types.infer_dtype(column, skipna=True) in ("string", "empty") and _is_text(column)
    if kind is FieldType.INTEGER:
        return bool(pd.api.types.is_integer_dtype(dtype)) and bool((column.dropna() <= LARGEST).all())
    if kind is FieldType.NUMBER:
        return bool(pd.api.types.is_float_dtype(dtype) or pd.api.types.is_integer_dtype(dtype))
    if kind is FieldType.BOOLEAN:
        return bool(pd.api.types.is_bool_dtype(dtype))
    return isinstance(dtype, pd.DatetimeTZDtype)


def _as_found(column: pd.Series, kind: FieldType) -> pd.Series:
    """Return a column as single values, missing ones as None, each in the type it must be judged by.

    pandas keeps whole numbers with a gap as floats: they are shown as the integers they were. Python takes True
    for 1, and a time without a zone is no moment: both are shown as NumPy's, which no kind but their own allows.
    What no stored dtype can hold is of no kind.
    """

    def found(value: object) -> object:
        if isinstance(value, bool):
            return np.bool_(value)
        if kind is FieldType.INTEGER and isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not _fits(value, kind):
            return Unstorable(f"an integer of {value.bit_length()} bits")
        if isinstance(value, bytes) or (isinstance(value, str) and not _is_unicode(value)):
            return Unstorable(ascii(value))
        if isinstance(value, pd.Timestamp) and value.tzinfo is None:
            return np.datetime64(value)
        return value

    values = column.astype(object).where(column.notna(), None)
    return pd.Series([found(value) for value in values], index=column.index, dtype=object)


def _fits(value: int, kind: FieldType) -> bool:
    if kind is FieldType.INTEGER:
        return -LARGEST - 1 <= value <= LARGEST
    return abs(value) <= sys.float_info.max


def _is_text(column: pd.Series) -> bool:
    return _is_unicode("".join(column.dropna()))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _to_kind(column: pd.Series, kind: FieldType) -> pd.Series:
    if kind is FieldType.STRING:
        return column.astype(object).where(column.notna(), None)
    if kind is FieldType.TIMESTAMP:
        return pd.to_datetime(column, utc=True).astype("datetime64[us, UTC]")
    if kind is FieldType.INTEGER:
        return column.astype("int64")
    return column.astype("float64" if kind is FieldType.NUMBER else "bool")
