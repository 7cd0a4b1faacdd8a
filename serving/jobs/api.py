"""Jobs in the gateway's OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from lifecycle.jobs import JobState
from serving.jobs.document import PATH

STANDS, TAKE_BACK, RESULT = _OPERATIONS = ("jobStands", "takeJobBack", "jobResult")
LATER_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "Prefer",
        "in": "header",
        "schema": {"type": "string"},
        "description": "respond-async leaves the request as a job (RFC 7240)",
    },
    {
        "name": "X-Holdfast-Webhook",
        "in": "header",
        "schema": {"type": "string", "format": "uri"},
        "description": "Where to tell of the job's end, in the Standard Webhooks form",
    },
]
_JOB = {
    "type": "object",
    "required": ["id", "state", "model", "version"],
    "properties": {
        "id": {"type": "string"},
        "state": {"type": "string", "enum": [str(state) for state in JobState]},
        "model": {"type": "string"},
        "version": {"type": "string", "description": "The only one that may answer it"},
        "reason": {"type": ["string", "null"]},
        "result": {"type": "string", "description": "Where the answer or the problem is, once there is one"},
    },
}
LATER_RESPONSE: dict[str, Any] = {
    "description": "Left as a job, with Prefer: respond-async; Location says where it is",
    "content": {"application/json": {"schema": _JOB}},
    "links": {name: {"operationId": name, "parameters": {"job": "$response.body#/id"}} for name in _OPERATIONS},
}
_ID = {"name": "job", "in": "path", "required": True, "schema": {"type": "string"}}


def job_paths(responses: Mapping[str, Any]) -> dict[str, Any]:
    """Return the paths of jobs; `responses` are the usual ones."""
    told = {"description": "How it stands", "content": {"application/json": {"schema": _JOB}}}
    about = {"parameters": [_ID], "responses": {**responses, "200": told}}
    return {
        f"{PATH}/{{job}}": {
            "get": {"operationId": STANDS, "summary": "How a job stands"} | about,
            "delete": {"operationId": TAKE_BACK, "summary": "Take a job back that has not ended"} | about,
        },
        f"{PATH}/{{job}}/result": {
            "get": {
                "operationId": RESULT,
                "summary": "What the request would have been answered",
                "parameters": [_ID],
                "responses": responses,
            }
        },
    }
