"""Stored frames become columns of exactly the promised types."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from feature_repo.columns import columns_of
from lifecycle.contract import Contract, Field, FieldType
from lifecycle.errors import InvalidInput

CONTRACT = Contract(
    model="m",
    version=1,
    fields=(
        Field(name="who", type=FieldType.STRING, description="", example="a", nullable=True),
        Field(name="how_many", type=FieldType.INTEGER, description="", example=1, minimum=0, maximum=9),
        Field(name="how_far", type=FieldType.NUMBER, description="", example=1.0, minimum=0, maximum=9, nullable=True),
        Field(name="really", type=FieldType.BOOLEAN, description="", example=True),
        Field(name="asked_at", type=FieldType.TIMESTAMP, description="", example="2024-05-01T12:00:00Z"),
    ),
)


def _frame() -> pd.DataFrame:
    moments = pd.to_datetime(
        [datetime(2024, 5, 1, 12, tzinfo=UTC), datetime(2024, 5, 1, 12, 0, 0, 500_000, tzinfo=UTC)]
    )
    return pd.DataFrame(
        {"who": ["a", None], "how_many": [1, 2], "how_far": [1.5, None], "really": [True, False], "asked_at": moments}
    )


def test_frame_becomes_columns_of_the_promised_types() -> None:
    """Text is object with None, numbers are float64 with NaN, moments are epoch seconds."""
    columns = columns_of(CONTRACT, _frame())
    assert {name: str(column.dtype) for name, column in columns.items()} == {
        "who": "object",
        "how_many": "int64",
        "how_far": "float64",
        "really": "bool",
        "asked_at": "float64",
    }
    assert columns["who"].tolist() == ["a", None]
    np.testing.assert_equal(columns["how_far"], [1.5, np.nan])
    assert columns["asked_at"].tolist() == [1714564800.0, 1714564800.5]


def test_null_where_none_is_allowed_is_refused() -> None:
    """The message names the field and the row."""
    frame = _frame().astype({"how_many": "float64"})
    frame.loc[1, "how_many"] = None
    with pytest.raises(InvalidInput, match="how_many is null in row 1"):
        columns_of(CONTRACT, frame)
