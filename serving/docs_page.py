"""The documentation page at /docs: one HTML file that needs nothing from elsewhere."""

import json
from html import escape
from importlib.resources import files

from lifecycle.contract import V2_DATATYPES, Contract
from serving.field_types import allowed_words
from serving.infer_response import OUTPUTS
from serving.models import Models, ServedModel

PLACE = "<!-- models -->"


def docs_page(models: Models) -> bytes:
    """Return the page, with a section per served model."""
    page = (files("serving") / "docs.html").read_text(encoding="utf-8")
    sections = "".join(_section(served) for served in models.serving())
    return page.replace(PLACE, sections or "<p>No model answers yet.</p>").encode()


def _section(served: ServedModel) -> str:
    name = escape(served.plan.model)
    contract, *others = served.lanes[served.champion].contracts.spoken
    versions = ", ".join(escape(version) for version in served.lanes)
    body = json.dumps({"rows": [contract.example_row()]})
    command = (
        f"curl -s http://HOST:PORT/v2/models/{served.plan.model}/predict \\\n"
        f"  -H 'Content-Type: application/json' \\\n  -d '{body}'"
    )
    return (
        f"<h2 id='model-{name}'>{name}</h2>"
        f"<p>Contract <b>{escape(contract.name)}</b>, "
        f"1 to {served.policy.serving.max_rows_per_request} rows a request, "
        f"champion <b>{escape(served.champion)}</b>, versions standing: {versions}.</p>"
        f"<table><tr><th>field</th><th>tensor</th><th>allowed</th><th>meaning</th><th>example</th></tr>{_fields(contract)}"
        f"</table>{''.join(map(_other, others))}"
        f"<table><tr><th>output</th><th>tensor</th><th>meaning</th></tr>{_outputs()}</table>"
        f"<pre>{escape(command)}</pre>"
    )


def _other(contract: Contract) -> str:
    name = escape(contract.name)
    return (
        f"<p>Contract <b>{name}</b> is answered, too, where nothing of the request is lost; send "
        f"<code>X-Holdfast-Contract: {name}</code>.</p>"
        f"<table><tr><th>field</th><th>tensor</th><th>allowed</th><th>meaning</th><th>example</th></tr>{_fields(contract)}"
        "</table>"
    )


def _fields(contract: Contract) -> str:
    return "".join(
        f"<tr><td>{escape(field.name)}</td><td>{V2_DATATYPES[field.type]}</td><td>{escape(allowed_words(field))}</td>"
        f"<td>{escape(field.description)}</td><td>{escape(json.dumps(field.example))}</td></tr>"
        for field in contract.fields
    )


def _outputs() -> str:
    return "".join(
        f"<tr><td>{name}</td><td>{datatype}</td><td>{escape(meaning)}</td></tr>"
        for name, (datatype, meaning) in OUTPUTS.items()
    )
