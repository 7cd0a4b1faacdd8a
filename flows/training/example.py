"""The input example of a version: real requests, and what it gave for them."""

import numpy as np
import pandas as pd

from feature_repo.columns import columns_of
from flows.training.rows import Rows
from lifecycle.contract import Contract, Field, FieldType
from lifecycle.manifest import Example

EXAMPLE_ROWS = 16
JsonValue = str | int | float | bool | None


def draw_example(contract: Contract, judge: Rows, scores: np.ndarray) -> Example:
    """Return about 16 judged rows spread over the window: request, features and score each.

    `scores` is (n_rows,) as the version gave them.
    """
    chosen = np.unique(np.linspace(0, len(scores) - 1, EXAMPLE_ROWS).round().astype(int))
    return Example(
        request=tuple(request_rows(contract, judge.frame.iloc[chosen])),
        features=tuple(tuple(row) for row in judge.matrix[chosen].astype(np.float64).tolist()),
        scores=tuple(scores[chosen].tolist()),
    )


def request_rows(contract: Contract, frame: pd.DataFrame) -> list[dict[str, JsonValue]]:
    """Return rows as the JSON objects a client would send."""
    columns = columns_of(contract, frame)
    rows = range(len(frame))
    return [{field.name: _json_value(field, columns[field.name][row]) for field in contract.fields} for row in rows]


def _json_value(field: Field, value: object) -> JsonValue:
    if value is None or field.type is FieldType.STRING:
        return None if value is None else str(value)
    if field.type is FieldType.BOOLEAN:
        return bool(value)
    number = float(np.asarray(value))
    if field.type is FieldType.INTEGER:
        return int(number)
    if np.isnan(number):
        return None
    return _rfc_3339(number) if field.type is FieldType.TIMESTAMP else number


def _rfc_3339(epoch_seconds: float) -> str:
    return pd.Timestamp(epoch_seconds, unit="s", tz="UTC").isoformat().replace("+00:00", "Z")
