"""Columns in the types the contract promises, from a stored frame."""

import numpy as np
import pandas as pd

from feature_repo.definition import Columns
from lifecycle.contract import Contract, FieldType
from lifecycle.errors import InvalidInput


def columns_of(contract: Contract, frame: pd.DataFrame) -> Columns:
    """Return a frame's contract fields as Columns, (n_rows,) each; see `definition.Columns` for the types.

    Raises InvalidInput for a null where the contract allows none, naming field and row.
    """
    columns: dict[str, np.ndarray] = {}
    for field in contract.fields:
        series = frame[field.name]
        missing = series.isna().to_numpy()
        if missing.any() and not field.nullable:
            row = int(np.flatnonzero(missing)[0])
            raise InvalidInput(f"{field.name} is null in row {row}; {contract.name} allows: {field.allows()}")
        columns[field.name] = _column(field.type, series, missing)
    return columns


def _column(kind: FieldType, series: pd.Series, missing: np.ndarray) -> np.ndarray:
    if kind is FieldType.STRING:
        texts = series.to_numpy(dtype=object, copy=True)
        texts[missing] = None
        return texts
    if kind is FieldType.TIMESTAMP:
        seconds = series.to_numpy("datetime64[us]").astype(np.int64) / 1e6
        return np.where(missing, np.nan, seconds)
    types = {FieldType.INTEGER: np.int64, FieldType.NUMBER: np.float64, FieldType.BOOLEAN: np.bool_}
    return series.to_numpy(types[kind])
