"""What a model's requests look like, in JSON Schema: rows of JSON, and tensors of the Open Inference Protocol.

A schema cannot say that a tensor's data has as many values as its shape, nor that each input is there once; the gateway
does, and answers 422.
"""

from collections.abc import Sequence
from typing import Any

from lifecycle.contract import V2_DATATYPES, Contract, Field, FieldType
from serving.infer_request import ALL_BINARY, CONTRACT, ONE_BINARY
from serving.infer_response import OUTPUTS

_JSON_TYPES = {
    FieldType.STRING: "string",
    FieldType.INTEGER: "integer",
    FieldType.NUMBER: "number",
    FieldType.BOOLEAN: "boolean",
    FieldType.TIMESTAMP: "string",
}


def rows_body(contracts: Sequence[Contract], max_rows: int) -> dict[str, Any]:
    """Return the schema of a body of JSON rows, each in one of the contracts."""
    items = _any_of([_row(contract) for contract in contracts])
    return _object({"rows": {"type": "array", "minItems": 1, "maxItems": max_rows, "items": items}}, required=["rows"])


def tensors_body(contracts: Sequence[Contract], max_rows: int) -> dict[str, Any]:
    """Return the schema of an Open Inference body in JSON, in one of the contracts."""
    names = {"type": "string", "enum": [contract.name for contract in contracts]}
    output = {"name": {"type": "string", "enum": list(OUTPUTS)}, "parameters": _object({ONE_BINARY: _BOOLEAN})}
    properties = {
        "id": {"type": "string"},
        "parameters": _object({ALL_BINARY: _BOOLEAN, CONTRACT: names}),
        "inputs": _any_of([_inputs(contract, max_rows) for contract in contracts]),
        "outputs": {"type": "array", "items": _object(output, required=["name"])},
    }
    return _object(properties, required=["inputs"])


def tensors_example(contract: Contract) -> dict[str, Any]:
    """Return an Open Inference body of one row."""
    row = contract.example_row()
    inputs = [
        {"name": field.name, "shape": [1], "datatype": V2_DATATYPES[field.type], "data": [row[field.name]]}
        for field in contract.fields
    ]
    return {"inputs": inputs}


def _row(contract: Contract) -> dict[str, Any]:
    names = [field.name for field in contract.fields]
    return _object({field.name: _value(field) for field in contract.fields}, required=names)


def _inputs(contract: Contract, max_rows: int) -> dict[str, Any]:
    fields = contract.fields
    tensors = [_tensor(field, max_rows) for field in fields]
    return {"type": "array", "minItems": len(fields), "maxItems": len(fields), "items": _any_of(tensors)}


def _tensor(field: Field, max_rows: int) -> dict[str, Any]:
    rows = {"type": "integer", "minimum": 1, "maximum": max_rows}
    properties = {
        "name": {"const": field.name},
        "datatype": {"const": V2_DATATYPES[field.type]},
        "shape": {"type": "array", "prefixItems": [rows, {"const": 1}], "items": False, "minItems": 1},
        "data": {"type": "array", "minItems": 1, "maxItems": max_rows, "items": _value(field)},
        "parameters": _object({}),
    }
    return _object(properties, required=["name", "datatype", "shape", "data"])


def _value(field: Field) -> dict[str, Any]:
    kind = _JSON_TYPES[field.type]
    schema: dict[str, Any] = {
        "type": [kind, "null"] if field.nullable else kind,
        "description": field.description,
        "examples": [field.example],
    }
    if field.type is FieldType.TIMESTAMP:
        schema["format"] = "date-time"
    if field.allowed is not None:
        schema["enum"] = [*field.allowed, None] if field.nullable else list(field.allowed)
    limits = {"minimum": field.minimum, "maximum": field.maximum, "pattern": field.pattern}
    return schema | {name: limit for name, limit in limits.items() if limit is not None}


def _object(properties: dict[str, Any], required: Sequence[str] = ()) -> dict[str, Any]:
    schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return schema | ({"required": list(required)} if required else {})


def _any_of(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


_BOOLEAN = {"type": "boolean"}
