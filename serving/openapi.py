"""The gateway's OpenAPI 3.1 document, made from the contracts of the models it serves."""

from typing import Any

from lifecycle.priority import PRIORITIES, Priority
from serving.jobs.api import LATER_PARAMETERS, LATER_RESPONSE, job_paths
from serving.metadata import server_metadata
from serving.models import Models, ServedModel
from serving.request_schemas import rows_body, tensors_body, tensors_example


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


def _model_paths(served: ServedModel) -> dict[str, Any]:
    contracts = served.lanes[served.champion].contracts.spoken
    most = served.policy.serving.max_rows_per_request
    rows = {"schema": rows_body(contracts, most), "example": {"rows": [contracts[0].example_row()]}}
    tensors = {"schema": tensors_body(contracts, most), "example": tensors_example(contracts[0])}
    root = f"/v2/models/{served.plan.model}"
    paths: dict[str, Any] = {}
    for place in (root, f"{root}/versions/{{version}}"):
        named = [] if place == root else [_VERSION | {"example": served.champion}]
        spoken = [*named, _contract([contract.name for contract in contracts])]
        paths[place] = _get("Inputs, outputs and versions", named)
        paths[f"{place}/ready"] = _get("Whether the version just reproduced its own example", named)
        paths[f"{place}/predict"] = _post("Predict for rows of JSON", rows, spoken)
        paths[f"{place}/infer"] = _post("Predict for tensors, by the Open Inference Protocol", tensors, spoken)
    return paths


def _contract(names: list[str]) -> dict[str, Any]:
    return {
        "name": "X-Holdfast-Contract",
        "in": "header",
        "required": False,
        "description": "The contract of the request; without it, the first that the request fits",
        "schema": {"type": "string", "enum": names},
    }


def _get(summary: str, parameters: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"get": {"summary": summary, "parameters": parameters or [], "responses": _RESPONSES}}


def _post(summary: str, content: dict[str, Any], parameters: list[dict[str, Any]]) -> dict[str, Any]:
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
