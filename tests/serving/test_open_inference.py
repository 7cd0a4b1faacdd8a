"""The Open Inference Protocol: tensors in, tensors out, in JSON and in binary."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput, InferResult

from lifecycle.contract import V2_DATATYPES, Field, FieldType
from serving.binary_tensors import read_tensor
from serving.problem import Refused
from tests.serving.conftest import MODEL, Bench, flight

INFER = f"/v2/models/{MODEL}/infer"
DATATYPES = {"flight": "INT64", "distance_miles": "FP64"}
LENGTH = "inference-header-content-length"


def tensor(name: str, values: list[Any], **changes: Any) -> dict[str, Any]:
    """Return one JSON input."""
    return {"name": name, "datatype": DATATYPES.get(name, "BYTES"), "shape": [len(values)], "data": values} | changes


def request(*rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return an all-JSON request for rows, with some inputs replaced (or left out, by None)."""
    inputs = {name: tensor(name, [row[name] for row in rows]) for name in rows[0]} | changes
    return {"inputs": [one for one in inputs.values() if one is not None]}


def binary_inputs(rows: list[dict[str, Any]], *, binary: bool = True, width: int | None = None) -> list[InferInput]:
    """Return the inputs that a stock client makes from numpy arrays."""
    inputs = []
    for name in rows[0]:
        datatype = DATATYPES.get(name, "BYTES")
        dtype: Any = {"INT64": np.int64, "FP64": np.float64, "BYTES": object}[datatype]
        values = np.array(["" if row[name] is None else row[name] for row in rows], dtype=dtype)
        values = values if width is None else values.reshape(-1, width)
        one = InferInput(name, list(values.shape), datatype)
        one.set_data_from_numpy(values, binary_data=binary)
        inputs.append(one)
    return inputs


def infer(bench: Bench, inputs: list[InferInput], outputs: list[InferRequestedOutput] | None = None) -> InferResult:
    """Return what a stock client makes of the answer to what it would send."""
    content, head = InferenceServerClient.generate_request_body(inputs, outputs=outputs)
    headers = {} if head is None else {LENGTH: str(head)}
    answer = bench.ask("POST", INFER, content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    length = answer.headers.get(LENGTH)
    return InferenceServerClient.parse_response_body(answer.content, header_length=length and int(length))


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("width", [None, 1])
def test_stock_client_gets_what_a_row_of_json_gets(bench: Bench, *, binary: bool, width: int | None) -> None:
    """Tensors and rows are two spellings of one question."""
    rows = [flight(), flight(flight=3, tail_number=None)] if binary else [flight(), flight(flight=3)]
    result = infer(bench, binary_inputs(rows, binary=binary, width=width))
    expected = bench.predict(*rows).json()["predictions"]
    assert result.as_numpy("probability").tolist() == [one["probability"] for one in expected]
    assert result.as_numpy("decision").astype(str).tolist() == [one["decision"] for one in expected]
    assert result.as_numpy("defaulted").astype(str).tolist() == [",".join(one["defaulted"]) for one in expected]


def test_response_parameters_carry_the_provenance(bench: Bench) -> None:
    """Version, contract, plan and one prediction id per row, which is the one in the log."""
    said = infer(bench, binary_inputs([flight(), flight(flight=2)])).get_response()
    ids = said["parameters"]["prediction_ids"].split(",")
    assert ids == [row["prediction_id"] for row in bench.log.rows()]
    assert said["model_version"] == said["parameters"]["version"] == "2"
    assert said["parameters"]["contract"] == "flight_delay_v1"
    assert said["parameters"]["feature_age_seconds"] == 1800.0


def test_only_the_outputs_asked_for_are_given_in_the_form_asked_for(bench: Bench) -> None:
    """Binary is chosen output by output."""
    outputs = [InferRequestedOutput("decision", binary_data=False), InferRequestedOutput("probability")]
    said = infer(bench, binary_inputs([flight()]), outputs).get_response()
    assert [output["name"] for output in said["outputs"]] == ["decision", "probability"]
    assert "data" in said["outputs"][0]
    assert said["outputs"][1]["parameters"] == {"binary_data_size": 8}


def test_json_request_without_parameters_is_answered_in_json(bench: Bench) -> None:
    """Its id comes back, and nested data of shape [n, 1] is fine."""
    nested = tensor("flight", [[5], [6]], shape=[2, 1])
    answer = bench.ask("POST", INFER, json={"id": "mine"} | request(flight(), flight(), flight=nested))
    assert LENGTH not in answer.headers
    assert answer.json()["id"] == "mine"
    assert [output["shape"] for output in answer.json()["outputs"]] == [[2]] * 3
    assert ['"flight":5' in row["request"] for row in bench.log.rows()] == [True, False]


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"flight": tensor("flight", ["12"])}, "flight", '"12"'),
        ({"flight": tensor("flight", [12.0])}, "flight", "12.0"),
        ({"flight": tensor("flight", [12], datatype="INT32")}, "flight", "datatype INT32"),
        ({"flight": tensor("flight", [12], shape=[1, 2])}, "flight", "shape [1, 2]"),
        ({"flight": tensor("flight", [12], shape=[])}, "flight", "shape []"),
        ({"flight": tensor("flight", [12], shape=[2])}, "flight", "1 values"),
        ({"flight": tensor("flight", [12, 13])}, "shape", None),
        ({"flight": None}, "flight", "missing"),
        ({"gate": tensor("gate", ["B4"])}, "gate", "unknown"),
        ({"again": tensor("flight", [12])}, "flight", "sent twice"),
        ({"origin": tensor("origin", ["SFO"])}, "origin", '"SFO"'),
        ({"flight": {"name": "flight", "datatype": "INT64", "shape": [1]}}, "flight", "data in no place or in two"),
        (
            {"scheduled_arrival_at": tensor("scheduled_arrival_at", ["1850-01-01T00:00:00Z"])},
            "scheduled_arrival_at",
            None,
        ),
    ],
)
def test_tensor_that_does_not_fit_is_named(
    bench: Bench, changes: dict[str, Any], field: str, value: str | None
) -> None:
    """The same refusals as for rows, and those that only tensors can have."""
    answer = bench.ask("POST", INFER, json=request(flight(), **changes))
    assert answer.status_code == 422
    problem = answer.json()["errors"][0]
    assert problem["field"] == field
    assert value in {None, problem["value"]}


@pytest.mark.parametrize(("name", "value"), [("distance_miles", np.nan), ("distance_miles", 1e9), ("flight", -1)])
def test_binary_value_that_is_not_allowed_is_named_with_its_row(bench: Bench, name: str, value: float) -> None:
    """NaN included, where the contract does not say that it may be null."""
    content, head = InferenceServerClient.generate_request_body(binary_inputs([flight(), flight(**{name: value})]))
    answer = bench.ask("POST", INFER, content=content, headers={LENGTH: str(head)})
    assert answer.status_code == 422
    assert [(problem["field"], problem["row"]) for problem in answer.json()["errors"]] == [(name, 1)]


@pytest.mark.parametrize("head", ["99999", "x", "-1", "0", "1" * 5000])
def test_header_length_that_cannot_be_is_refused(bench: Bench, head: str) -> None:
    """The JSON part must lie within the body."""
    content, _ = InferenceServerClient.generate_request_body(binary_inputs([flight()]))
    assert bench.ask("POST", INFER, content=content, headers={LENGTH: head}).status_code == 400


@pytest.mark.parametrize("spoil", [lambda raw: raw[:-1], lambda raw: raw + b"x"])
def test_binary_part_of_another_length_is_refused(bench: Bench, spoil: Callable[[bytes], bytes]) -> None:
    """Bytes that are missing or left over mean that something was misread."""
    content, head = InferenceServerClient.generate_request_body(binary_inputs([flight()]))
    answer = bench.ask("POST", INFER, content=spoil(bytes(content)), headers={LENGTH: str(head)})
    assert (answer.status_code, answer.json()["title"]) == (400, "malformed tensor")


def test_bytes_tensor_whose_elements_overrun_is_refused(bench: Bench) -> None:
    """An element's length is not to be trusted."""
    document = request(flight())
    document["inputs"][0] = {
        "name": "carrier", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 6}
    }  # fmt: skip
    head = json.dumps(document).encode()
    for raw in (b"\xff\xff\xff\xffUA", b"\x02\x00\x00\x00\xff\xff"):
        answer = bench.ask("POST", INFER, content=head + raw, headers={LENGTH: str(len(head))})
        assert (answer.status_code, answer.json()["title"]) == (400, "malformed tensor")


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"{", "malformed json"),
        (b'{"inputs": [{"name": "distance_miles", "data": [NaN]}]}', "malformed json"),
        (b"[]", "malformed request"),
        (b'{"inputs": 3}', "malformed request"),
        (b'{"inputs": [], "surprise": 1}', "malformed request"),
    ],
)
def test_body_that_is_no_request_is_a_400(bench: Bench, raw: bytes, kind: str) -> None:
    """Malformed JSON and JSON of another kind are told apart."""
    answer = bench.ask("POST", INFER, content=raw)
    assert (answer.status_code, answer.json()["title"]) == (400, kind)


def test_unknown_output_and_input_parameter_are_refused(bench: Bench) -> None:
    """What is not supported is not ignored."""
    document = request(flight())
    assert bench.ask("POST", INFER, json=document | {"outputs": [{"name": "mood"}]}).status_code == 422
    document["inputs"][0]["parameters"] = {"shared_memory_region": "x"}
    assert bench.ask("POST", INFER, json=document).json()["title"] == "unsupported parameter"


@pytest.mark.parametrize(
    "more",
    [
        {"parameters": {"sequence_id": 7}},
        {"parameters": {"binary_data_output": "yes"}},
        {"outputs": [{"name": "probability", "parameters": {"classification": 2}}]},
    ],
)
def test_parameter_that_nobody_heeds_is_refused(bench: Bench, more: dict[str, Any]) -> None:
    """Whoever sends it counts on what it does."""
    answer = bench.ask("POST", INFER, json=request(flight()) | more)
    assert (answer.status_code, answer.json()["title"]) == (400, "unsupported parameter")


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        ('"name": "flight"', '"name": "dest", "name": "flight"', "name"),
        ('"data": [1545]', '"data": [1], "data": [1545]', "data"),
        ('{"inputs"', '{"inputs": [], "inputs"', "inputs"),
    ],
)
def test_key_that_is_sent_twice_is_refused_by_name(bench: Bench, before: str, after: str, name: str) -> None:
    """The last value does not win silently."""
    text = json.dumps(request(flight()))
    assert before in text
    answer = bench.ask("POST", INFER, content=text.replace(before, after))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == name


def test_defaults_that_are_spelled_out_are_no_repeated_keys(bench: Bench) -> None:
    """An empty id and empty parameters are what leaving them out means."""
    document = request(flight()) | {"id": "", "parameters": {}, "outputs": []}
    assert bench.ask("POST", INFER, json=document).status_code == 200


def test_binary_boolean_is_a_zero_or_a_one() -> None:
    """Any other byte is no boolean, and its element is named."""
    field = Field(name="on", type=FieldType.BOOLEAN, description="", example=True)
    assert read_tensor(field, memoryview(b"\x01\x00")) == [True, False]
    with pytest.raises(Refused, match="element 1 is byte 0x02"):
        read_tensor(field, memoryview(b"\x01\x02"))


def test_metadata_has_a_datatype_for_every_field_type(bench: Bench) -> None:
    """The inputs of the metadata are those that are accepted."""
    inputs = bench.ask("GET", f"/v2/models/{MODEL}").json()["inputs"]
    assert {one["datatype"] for one in inputs} <= set(V2_DATATYPES.values())
    assert [one["name"] for one in inputs] == list(flight())
