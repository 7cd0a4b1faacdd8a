"""The input example of a version."""

import json

import numpy as np
import pandas as pd
import pytest

from flows.training.example import draw_example, request_rows
from lifecycle.contract import Contract, Field, FieldType
from tests.flows import toy


def test_request_rows_are_what_a_client_sends() -> None:
    """Every contract type has its JSON form; what is not there is null."""
    kinds = Contract(
        model="kinds",
        version=1,
        fields=(
            Field(name="text", type=FieldType.STRING, description="", example="a", nullable=True),
            Field(name="whole", type=FieldType.INTEGER, description="", example=1, minimum=0, maximum=9),
            Field(name="number", type=FieldType.NUMBER, description="", example=1, minimum=0, maximum=9, nullable=True),
            Field(name="flag", type=FieldType.BOOLEAN, description="", example=True),
            Field(name="at", type=FieldType.TIMESTAMP, description="", example="2020-01-01T00:00:00Z"),
        ),
    )
    frame = pd.DataFrame(
        {
            "text": np.array(["a", None], dtype=object),
            "whole": [3, 4],
            "number": [0.5, np.nan],
            "flag": [True, False],
            "at": pd.to_datetime(["2013-04-01T14:30:00Z", "2013-04-01T14:30:00.250Z"], format="ISO8601"),
        }
    )
    rows = request_rows(kinds, frame)
    assert rows == [
        {"text": "a", "whole": 3, "number": 0.5, "flag": True, "at": "2013-04-01T14:30:00Z"},
        {"text": None, "whole": 4, "number": None, "flag": False, "at": "2013-04-01T14:30:00.250000Z"},
    ]
    assert json.loads(json.dumps(rows)) == rows


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (5, 5), (16, 16), (1000, 16)])
def test_example_has_up_to_sixteen_distinct_rows(count: int, expected: int) -> None:
    """Few rows are all shown, many are sampled from end to end."""
    rows = toy.some_rows(count)
    example = draw_example(toy.CONTRACT, rows, np.linspace(0, 1, count))
    assert len(example.request) == len(example.features) == len(set(example.scores)) == expected
    assert example.features[-1] == tuple(rows.matrix[-1].astype(float))
