"""The gateway's OpenAPI 3.1 document, made from the contracts of the models it serves."""

from typing import Any

from lifecycle.contract import Contract, Field, FieldType
from lifecycle.priority import PRIORITIES, Priority
from serving.jobs.api import LATER_PARAMETERS, LATER_RESPONSE, job_paths
from serving.metadata import server_metadata
from serving.models import Models, ServedModel

_JSON_TYPES = {
    FieldType.STRING: "string",
    FieldType.INTEGER: "integer",
    FieldType.NUMBER: "number",
    FieldType.BOOLEAN: "boolean",
    FieldType.TIMESTAMP: "string",
}


def openapi(models: Models) -> dict[str, Any]:
    """Return the document; every served model has its own paths with its fields and limits."""
    paths: dict[str, Any] = {
        "/v2": _get("Server metadata"),
        "/v2/health/live": _get("Whether the process answers"),
        "/v2/health/ready": _get("Whether every model just reproduced its own example"),
        "/v2/models": _get("The models, and why one cannot answer yet"),
        "/metrics": _METRICS,
        **job_paths(_RESPONSES),
    }
    for served in models.serving():
        paths |= _model_paths(served)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Holdfast gateway", "version": server_metadata()["version"]},
        "paths": paths,
        # A key may be left out where the gateway is open.
        "security": [{}, {"bearer": []}, {"apiKey": []}],
        "components": {"schemas": {"Problem": _PROBLEM}, "securitySchemes": _SECURITY},
    }


def row_schema(contract: Contract) -> dict[str, Any]:
    """Return the JSON Schema of one request row."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [field.name for field in contract.fields],
        "properties": {field.name: _property(field) for field in contract.fields},
    }


def _property(field: Field) -> dict[str, Any]:
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


def _model_paths(served: ServedModel) -> dict[str, Any]:
    contract, *others = served.lanes[served.champion].contracts.spoken
    schemas = [row_schema(contract), *map(row_schema, others)]
    rows = {"type": "array", "minItems": 1, "maxItems": served.policy.serving.max_rows_per_request}
    body = {
        "type": "object",
        "required": ["rows"],
        "additionalProperties": False,
        "properties": {"rows": rows | {"items": {"anyOf": schemas} if others else schemas[0]}},
    }
    example = {"rows": [contract.example_row()]}
    root = f"/v2/models/{served.plan.model}"
    paths: dict[str, Any] = {}
    for place in (root, f"{root}/versions/{{version}}"):
        named = [] if place == root else [_VERSION]
        spoken = [*named, _contract([contract.name, *(other.name for other in others)])]
        paths[place] = _get("Inputs, outputs and versions", named)
        paths[f"{place}/ready"] = _get("Whether the version just reproduced its own example", named)
        paths[f"{place}/predict"] = _post("Predict for rows of JSON", body, example, spoken)
        paths[f"{place}/infer"] = _post(
            "Predict for tensors, by the Open Inference Protocol", {"type": "object"}, None, spoken
        )
    return paths


def _contract(names: list[str]) -> dict[str, Any]:
    return {
        "name": "X-Holdfast-Contract",
        "in": "header",
        "required": False,
        "description": "The contract of the request; without it, the first that the request fits",
        "schema": {"type": "string", "examples": names},
    }


def _get(summary: str, parameters: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"get": {"summary": summary, "parameters": parameters or [], "responses": _RESPONSES}}


def _post(summary: str, schema: dict[str, Any], example: object, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": schema} | ({} if example is None else {"example": example})
    return {
        "post": {
            "summary": summary,
            "parameters": [*parameters, _PRIORITY, _KEY, *LATER_PARAMETERS],
            "requestBody": {"required": True, "content": {"application/json": content}},
            "responses": {**_RESPONSES, "202": LATER_RESPONSE},
        }
    }


_METRICS = {
    "get": {
        "summary": "The figures of all replicas, for Prometheus",
        "responses": {"200": {"description": "Text format 0.0.4", "content": {"text/plain": {}}}},
    }
}
_VERSION = {"name": "version", "in": "path", "required": True, "schema": {"type": "string"}}
_PRIORITY = {
    "name": "X-Holdfast-Priority",
    "in": "header",
    "required": False,
    "description": "Who goes first when there is more than can be answered; capped by the tenant's own",
    "schema": {"type": "string", "enum": list(PRIORITIES), "default": Priority.STANDARD.name.lower()},
}
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, hf_…"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "However often a request is sent with the same key, it is answered, logged and billed once",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x20-\\x7e]+$"},
}
_RESPONSES = {
    "200": {"description": "The answer", "content": {"application/json": {"schema": {"type": "object"}}}},
    "default": {
        "description": "A problem document (RFC 9457)",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "error"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "error": {"type": "string", "description": "The detail again, where Open Inference clients look for it"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string"},
                    "row": {"type": ["integer", "null"]},
                    "value": {"type": "string"},
                    "allowed": {"type": "string"},
                },
            },
        },
    },
}
