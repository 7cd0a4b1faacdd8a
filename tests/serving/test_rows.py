"""What the contract accepts and refuses, row by row."""

import json
from typing import Any

import numpy as np
import pytest

from feature_repo.flight_delay.contract import CONTRACT
from lifecycle.contract import Contract, Field, FieldType
from lifecycle.errors import ContractViolation
from serving.problem import Refused
from serving.rows import RowCodec
from tests.serving.conftest import flight

CODEC = RowCodec(CONTRACT, max_rows=3)


def body(*rows: Any) -> bytes:
    """Return a request body."""
    return json.dumps({"rows": rows}).encode()


def refusal(raw: bytes) -> ContractViolation:
    """Return why the contract refuses a body."""
    with pytest.raises(ContractViolation) as caught:
        CODEC.from_json(raw)
    return caught.value


def test_good_rows_become_typed_columns() -> None:
    """Every field arrives in the type that the features expect."""
    rows = CODEC.from_json(body(flight(), flight(tail_number=None, distance_miles=12)))
    columns = CODEC.columns(rows)
    assert columns["carrier"].dtype == object
    assert columns["flight"].dtype == np.int64
    assert columns["distance_miles"].tolist() == [1400.0, 12.0]
    assert columns["tail_number"].tolist() == ["N14228", None]
    assert columns["scheduled_departure_at"].tolist() == [1364826600.0] * 2


def test_row_written_back_reads_the_same() -> None:
    """What goes into the log is the request, offset included."""
    (row,) = CODEC.from_json(body(flight(scheduled_departure_at="2013-04-01T10:30:00-04:00")))
    again = CODEC.from_json(body(json.loads(CODEC.as_json(row))))
    assert CODEC.columns(again)["scheduled_departure_at"].tolist() == [1364826600.0]


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"flight": "12"}, "flight", '"12"'),
        ({"flight": 12.0}, "flight", "12.0"),
        ({"flight": True}, "flight", "true"),
        ({"flight": None}, "flight", "null"),
        ({"flight": 0}, "flight", "0"),
        ({"flight": 10**30}, "flight", str(10**30)),
        ({"carrier": "ua"}, "carrier", '"ua"'),
        ({"carrier": "UA\n"}, "carrier", '"UA\\n"'),
        ({"carrier": 7}, "carrier", "7"),
        ({"origin": "SFO"}, "origin", '"SFO"'),
        ({"tail_number": ""}, "tail_number", '""'),
        ({"distance_miles": "1400"}, "distance_miles", '"1400"'),
        ({"distance_miles": False}, "distance_miles", "false"),
        ({"distance_miles": 6000.1}, "distance_miles", "6000.1"),
        ({"distance_miles": float("nan")}, "distance_miles", "NaN"),
        ({"distance_miles": float("inf")}, "distance_miles", "Infinity"),
        ({"scheduled_arrival_at": "2013-04-01T18:25:00"}, "scheduled_arrival_at", '"2013-04-01T18:25:00"'),
        ({"scheduled_arrival_at": "1913-04-01T18:25:00Z"}, "scheduled_arrival_at", '"1913-04-01T18:25:00Z"'),
        ({"scheduled_arrival_at": "2200-01-01T00:00:00Z"}, "scheduled_arrival_at", '"2200-01-01T00:00:00Z"'),
        ({"scheduled_arrival_at": 1364826600}, "scheduled_arrival_at", "1364826600"),
        ({"scheduled_arrival_at": "tomorrow"}, "scheduled_arrival_at", '"tomorrow"'),
        ({"gate": "B4"}, "gate", "unknown"),
        ({"x" * 900_000: 1}, "x" * 80 + "…", "unknown"),
    ],
)
def test_value_that_is_not_allowed_is_named_with_field_and_row(changes: dict[str, Any], field: str, value: str) -> None:
    """Nothing is coerced, filled in or ignored."""
    (problem,) = refusal(body(flight(), flight(**changes))).problems
    assert (problem.field, problem.row, problem.value) == (field, 1, value)
    assert problem.allowed


def test_missing_field_is_named() -> None:
    """A field that is not sent is no default."""
    row = flight()
    del row["dest"]
    (problem,) = refusal(body(row)).problems
    assert (problem.field, problem.row, problem.value) == ("dest", 0, "missing")


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (body(flight()).replace(b'"flight"', b'"flight": 1, "flight"'), "flight"),
        (body(flight()).replace(b'"flight"', b'"fl\\u0069ght" : 1, "flight"'), "flight"),
        (
            body(flight(), flight(tail_number=None)).replace(b": null", b': "N14228", "tail_number": null'),
            "tail_number",
        ),
        (body(flight()).replace(b"{", b'{"rows": [], ', 1), "rows"),
    ],
)
def test_key_that_is_sent_twice_is_named(raw: bytes, name: str) -> None:
    """Which of two values was meant, nobody can know."""
    (problem,) = refusal(raw).problems
    assert (problem.field, problem.value) == (name, "sent twice")


def test_escape_in_a_value_is_no_repeated_key() -> None:
    """The slower look at such a body finds nothing."""
    (row,) = CODEC.from_json(body(flight()).replace(b'"EWR"', b'"\\u0045WR"'))
    assert CODEC.columns([row])["origin"].tolist() == ["EWR"]


def test_every_problem_is_listed_at_once() -> None:
    """A caller need not find them one by one."""
    problems = refusal(body(flight(flight=0, origin="X"), flight(gate=1))).problems
    assert [(problem.field, problem.row) for problem in problems] == [("flight", 0), ("origin", 0), ("gate", 1)]


@pytest.mark.parametrize("rows", [(), (flight(),) * 4])
def test_empty_or_oversized_batch_is_refused(rows: tuple[Any, ...]) -> None:
    """The limit is in the message."""
    (problem,) = refusal(body(*rows)).problems
    assert problem.value == f"{len(rows)} rows"
    assert problem.allowed == "1 to 3 rows"


@pytest.mark.parametrize(
    ("raw", "field"),
    [(b"[]", "body"), (b"{}", "rows"), (b'{"rows": 1}', "rows"), (b'{"rows": [1]}', "rows"), (b'"x"', "body")],
)
def test_document_of_another_shape_is_refused(raw: bytes, field: str) -> None:
    """JSON that is not `{"rows": [{…}]}` is a contract violation."""
    assert refusal(raw).problems[0].field == field


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"nope",
        b"\xff",
        b'{"rows": [' + b"[" * 100_000,
        b'{"rows": [{"carrier": "\\ud800"}]}',
        b'{"rows": [{"\\ud800": 1}]}',
    ],
)
def test_malformed_json_is_refused_as_such(raw: bytes) -> None:
    """A body that is no JSON has no field to name."""
    with pytest.raises((Refused, ContractViolation)):
        CODEC.from_json(raw)


def test_nullable_number_and_timestamp_become_nan() -> None:
    """The columns have no other null."""
    contract = Contract(
        model="m",
        version=1,
        fields=(
            Field(name="x", type=FieldType.NUMBER, description="", example=1.0, nullable=True, minimum=0, maximum=9),
            Field(name="at", type=FieldType.TIMESTAMP, description="", example=None, nullable=True),
            Field(name="on", type=FieldType.BOOLEAN, description="", example=True),
        ),
    )
    codec = RowCodec(contract, 5)
    columns = codec.columns(
        codec.from_json(body({"x": None, "at": None, "on": True}, {"x": 1, "at": None, "on": False}))
    )
    assert np.isnan(columns["x"]).tolist() == [True, False]
    assert np.isnan(columns["at"]).all()
    assert columns["on"].tolist() == [True, False]
