"""The calls about reviews as OpenAPI paths."""

from collections.abc import Mapping
from typing import Any

import msgspec

from lifecycle.review import ReviewState
from serving.reviewing.api import Next, Word

_ID = {"name": "prediction_id", "in": "path", "required": True, "schema": {"type": "string"}}
_ACTOR = {
    "name": "X-Holdfast-Actor",
    "in": "header",
    "schema": {"type": "string"},
    "description": "Who reviews; needed only where no key says it",
}
_REVIEW = {
    "type": "object",
    "properties": {
        "prediction_id": {"type": "string"},
        "state": {"type": "string", "enum": [state.value for state in ReviewState]},
        "answer": {"type": ["integer", "null"], "enum": [0, 1, None]},
        "answered_by": {"type": ["string", "null"]},
        "because": {"type": ["string", "null"]},
        "answered_at": {"type": ["string", "null"], "format": "date-time"},
    },
}


def _call(summary: str, parameters: list[dict[str, Any]], body: type[msgspec.Struct] | None = None) -> dict[str, Any]:
    call: dict[str, Any] = {
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": "The review", "content": {"application/json": {"schema": _REVIEW}}},
            "default": {
                "description": "A problem document (RFC 9457)",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if body is not None:
        (_, parts) = msgspec.json.schema_components([body])
        call["requestBody"] = {"required": True, "content": {"application/json": {"schema": parts[body.__name__]}}}
    return call


REVIEW_PATHS: Mapping[str, Any] = {
    "/v2/predictions/{prediction_id}/review": {"get": _call("What became of a provisional answer", [_ID])},
    "/v2/reviews/next": {"post": _call("Take the answer that is due first, as `review`; or null", [_ACTOR], Next)},
    "/v2/reviews/{prediction_id}": {
        "get": _call("A review with its question", [_ID, _ACTOR]),
        "post": _call("Say how it is", [_ID, _ACTOR], Word),
    },
}
