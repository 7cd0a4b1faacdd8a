"""An Open Inference Protocol (V2) request into typed rows.

https://github.com/kserve/open-inference-protocol, with the binary tensor data extension, which stock
clients use by default.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from lifecycle.contract import V2_DATATYPES, Field
from lifecycle.errors import ContractViolation, FieldProblem
from serving.binary_tensors import read_tensor
from serving.field_types import shown
from serving.problem import refused
from serving.repeated_keys import refuse_repeated_keys
from serving.row_problems import malformed, untyped, violated
from serving.rows import UNDECODABLE, Row, RowCodec

MATRIX_AXES = 2
BINARY_SIZE = "binary_data_size"
ALL_BINARY = "binary_data_output"
ONE_BINARY = "binary_data"
CONTRACT = "contract"
_NONE = msgspec.Raw()


class OtherContract(Exception):
    """The request says itself that it is written in another contract than it is read by."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


class Tensor(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One input of a request; `data` is empty when it follows in binary."""

    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, Any] = {}
    data: msgspec.Raw = _NONE


class Wanted(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One output that the caller asks for."""

    name: str
    parameters: dict[str, Any] = {}


class InferRequest(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The JSON part of an inference request."""

    inputs: list[Tensor]
    id: str = ""
    parameters: dict[str, Any] = {}
    outputs: list[Wanted] = []


_DECODER = msgspec.json.Decoder(InferRequest)


def read_infer_request(body: bytes, json_bytes: int | None, codec: RowCodec) -> tuple[InferRequest, list[Row]]:
    """Return a request and its rows.

    `json_bytes` is where the JSON ends and binary tensors begin, None when all is JSON. Raises
    ContractViolation when the tensors do not fit the contract, Refused when the body is no such request, and
    OtherContract when its parameter `contract` names another one.
    """
    raw = memoryview(body)
    end = len(raw) if json_bytes is None else json_bytes
    if end > len(raw):
        raise _malformed(f"The body has {len(raw)} bytes, but its JSON part is said to have {end}.")
    try:
        request = _DECODER.decode(raw[:end])
    except msgspec.ValidationError as error:
        raise refused(400, "malformed-request", f"Not an Open Inference request: {error}.") from error
    except UNDECODABLE as error:
        # Parsing again in a looser way only serves to say NaN where there is one.
        untyped(bytes(raw[:end]))
        raise malformed(str(error)) from error
    _check_parameters(request)
    named = request.parameters.get(CONTRACT, codec.contract.name)
    if named != codec.contract.name:
        raise OtherContract(named)
    rows = codec.from_columns(_columns(request, raw[end:], codec))
    refuse_repeated_keys(body if json_bytes is None else body[:end], _n_strings(request))
    return request, rows


def _check_parameters(request: InferRequest) -> None:
    others = {name: value for name, value in request.parameters.items() if name != CONTRACT}
    if not isinstance(request.parameters.get(CONTRACT, ""), str):
        said = f"the request: the parameter {CONTRACT} = {shown(request.parameters[CONTRACT])} is no text"
        raise refused(400, "unsupported-parameter", f"{said}; allowed: the name of a contract.")
    _allow_only(ALL_BINARY, others, "the request")
    for wanted in request.outputs:
        _allow_only(ONE_BINARY, wanted.parameters, f"output {wanted.name}")


def _allow_only(allowed: str, parameters: Mapping[str, object], where: str) -> None:
    for name, value in parameters.items():
        if name != allowed or not isinstance(value, bool):
            said = f"{where}: the parameter {shown(name)} = {shown(value)} is not supported"
            raise refused(400, "unsupported-parameter", f"{said}; allowed: {allowed}, true or false.")


def _n_strings(request: InferRequest) -> int:
    """Return how many strings a request's JSON holds, keys included, when it repeats and spells out nothing."""
    n_strings = 1 + (2 if request.id else 0) + _n_names(request.parameters) + (CONTRACT in request.parameters)
    if request.outputs:
        n_strings += 1 + sum(2 + _n_names(wanted.parameters) for wanted in request.outputs)
    for tensor in request.inputs:
        n_strings += 5 + _n_names(tensor.parameters)
        data = bytes(tensor.data)
        if data:
            n_strings += 1 + data.count(b'"') // 2
    return n_strings


def _n_names(parameters: Mapping[str, object]) -> int:
    return 1 + len(parameters) if parameters else 0


def _columns(request: InferRequest, binary: memoryview, codec: RowCodec) -> Mapping[str, list[object]]:
    fields = {field.name: field for field in codec.contract.fields}
    columns: dict[str, list[object]] = {}
    problems: list[FieldProblem] = []
    at = 0
    for tensor in request.inputs:
        piece = _piece(tensor, binary[at:])
        at += 0 if piece is None else len(piece)
        if tensor.name not in fields:
            problems.append(codec.problems.unknown(tensor.name))
        elif tensor.name in columns:
            problems.append(FieldProblem(tensor.name, None, "sent twice", "each input once"))
        else:
            columns[tensor.name] = []
            try:
                columns[tensor.name] = _column(fields[tensor.name], tensor, piece, codec)
            except ContractViolation as refusal:
                problems.extend(refusal.problems)
    if at != len(binary):
        raise _malformed(f"{len(binary) - at} bytes follow the last binary tensor.")
    problems.extend(codec.problems.missing(name) for name in codec.names if name not in columns)
    if not problems and len({len(column) for column in columns.values()}) > 1:
        rows = ", ".join(f"{name} {len(column)}" for name, column in columns.items())
        problems.append(FieldProblem("shape", None, rows, "the same number of rows in every input"))
    if problems:
        raise violated(*problems)
    return columns


def _piece(tensor: Tensor, left: memoryview) -> memoryview | None:
    odd = set(tensor.parameters) - {BINARY_SIZE}
    if odd:
        detail = f"{tensor.name}: the input parameter {odd.pop()!r} is not supported; send data or {BINARY_SIZE}."
        raise refused(400, "unsupported-parameter", detail)
    size = tensor.parameters.get(BINARY_SIZE)
    if size is None:
        return None
    if type(size) is not int or not 0 <= size <= len(left):
        raise _malformed(f"{tensor.name}: {BINARY_SIZE} is {size!r}, but {len(left)} bytes are left in the body.")
    return left[:size]


def _column(field: Field, tensor: Tensor, piece: memoryview | None, codec: RowCodec) -> list[object]:
    datatype = V2_DATATYPES[field.type]
    if tensor.datatype != datatype:
        raise violated(FieldProblem(field.name, None, f"datatype {tensor.datatype}", f"datatype {datatype}"))
    if not tensor.shape or tensor.shape[1:] not in ([], [1]):
        raise violated(FieldProblem(field.name, None, f"shape {tensor.shape}", "shape [n] or [n, 1]"))
    raw = bytes(tensor.data)
    if (piece is None) == (not raw):
        raise violated(FieldProblem(field.name, None, "data in no place or in two", f"data or {BINARY_SIZE}"))
    if piece is not None:
        values = codec.convert(field.name, read_tensor(field, piece))
    else:
        values = _from_json(field.name, raw, codec)
    if len(values) != tensor.shape[0]:
        raise violated(FieldProblem(field.name, None, f"{len(values)} values", f"{tensor.shape[0]}, as its shape says"))
    return values


def _from_json(name: str, raw: bytes, codec: RowCodec) -> list[object]:
    nested = raw[1:].lstrip()[:1] == b"["
    if not nested:
        return codec.column(name, raw)
    rows = untyped(raw)
    if not isinstance(rows, list):
        raise malformed(f"{name} is not an array")
    return codec.convert(name, [row[0] if isinstance(row, list) and len(row) == 1 else row for row in rows])


def _malformed(detail: str) -> Exception:
    return refused(400, "malformed-tensor", detail)
