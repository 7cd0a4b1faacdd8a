"""People review over HTTP, and a caller sees what became of an answer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from lifecycle.policy import Policy
from lifecycle.priority import Priority
from lifecycle.review import Reviewed
from lifecycle.tenants import ApiKey, Role, Roster, Tenant, digest_of, written_key
from serving.caller import Caller
from serving.doors.door import Door
from serving.doors.guests import Guests, guests_of
from serving.models import Models
from serving.problem import Refused
from serving.reviewing.api import ReviewApi
from serving.routes import Application
from stores.ledger.answering import Answering
from stores.ledger.labels import PeoplesLabels
from stores.ledger.opening import connect, open_ledger
from stores.ledger.reviews import Reviews
from stores.policies import load_policy
from tests.serving.conftest import MODEL, POLICIES
from tests.stores.ledger.asked import NOON, asked

Ask = Callable[..., httpx.Response]
ONCALL = {"X-Holdfast-Actor": "on-call"}


def api_of(engine: Engine, policy: Policy | None = None) -> ReviewApi:
    """Return the calls over a ledger; it is noon on every clock."""
    policies = {MODEL: policy or load_policy(POLICIES, MODEL)}
    return ReviewApi(Reviews(engine), Answering(engine), lambda: policies, lambda: NOON, lambda: NOON)


@dataclass
class Known:
    """Who may come in."""

    guests: Guests | None


def asking(api: ReviewApi, door: Door | None = None) -> Ask:
    """Return a function that asks an application with these calls."""

    def ask(method: str, path: str, **more: Any) -> httpx.Response:
        async def asked_once() -> httpx.Response:
            transport = httpx.ASGITransport(Application(Models(), reviews=api, door=door))
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                return await client.request(method, path, **more)

        return asyncio.run(asked_once())

    return ask


def of_flights(name: str, minutes: int = 0, **changes: object) -> Reviewed:
    """Return a review of the flight model."""
    return asked(name, minutes, model=MODEL, **changes)


@pytest.fixture
def ledger(tmp_path: Path) -> Engine:
    """An empty ledger in a file, so that threads share it."""
    return open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")


@pytest.fixture
def ask(ledger: Engine) -> Ask:
    """Ask an application whose queue holds two answers."""
    Reviews(ledger).enter([of_flights("a"), of_flights("b", 1)])
    return asking(api_of(ledger))


def test_word_of_a_person_reaches_the_caller_and_the_labels(ask: Ask, ledger: Engine) -> None:
    """From taking it to seeing it: who, why and when."""
    taken = ask("POST", "/v2/reviews/next", headers=ONCALL, json={}).json()["review"]
    assert (taken["prediction_id"], taken["claimed_by"], taken["request"]) == ("a", "on-call", {"load": 1})
    assert ask("GET", "/v2/predictions/a/review").json()["state"] == "pending"
    said = {"label": 0, "because": "it landed early"}
    assert ask("POST", "/v2/reviews/a", headers=ONCALL, json=said).json()["state"] == "answered"
    seen = ask("GET", "/v2/predictions/a/review").json()
    assert (seen["answer"], seen["answered_by"], seen["because"]) == (0, "on-call", "it landed early")
    assert seen["answered_at"] == "2026-04-01T12:00:00Z"
    assert [(one.example_id, one.label, one.source) for one in PeoplesLabels(ledger).all(MODEL)] == [
        ("example a", 0, "review")
    ]


def test_nothing_that_waits_is_null(ask: Ask) -> None:
    """Two others hold what there is."""
    for name in ("on-call", "flight-operations"):
        assert ask("POST", "/v2/reviews/next", headers={"X-Holdfast-Actor": name}, json={"model": MODEL}).json()[
            "review"
        ]
    people = ask("GET", "/v2/reviews/a", headers=ONCALL).json()
    assert people["claimed_by"] == "on-call"
    for name in ("a", "b"):
        who = {"a": "on-call", "b": "flight-operations"}[name]
        said = {"label": 1, "because": "seen"}
        assert ask("POST", f"/v2/reviews/{name}", headers={"X-Holdfast-Actor": who}, json=said).status_code == 200
    assert ask("POST", "/v2/reviews/next", headers=ONCALL, json={}).json() == {"review": None}


@pytest.mark.parametrize(
    ("call", "headers", "body", "status", "kind"),
    [
        ("GET /v2/predictions/z/review", {}, None, 404, "unknown-review"),
        ("POST /v2/predictions/a/review", {}, None, 405, "wrong-method"),
        ("GET /v2/reviews/next", ONCALL, None, 405, "wrong-method"),
        ("DELETE /v2/reviews/a", ONCALL, None, 405, "wrong-method"),
        ("POST /v2/reviews/next", {}, {}, 403, "not-permitted"),
        ("POST /v2/reviews/next", {"X-Holdfast-Actor": "mallory"}, {}, 403, "not-permitted"),
        ("POST /v2/reviews/next", ONCALL, {"model": "weather"}, 404, "unknown-review"),
        ("POST /v2/reviews/next", ONCALL, {"modle": MODEL}, 422, "invalid-input"),
        ("GET /v2/reviews/a", {"X-Holdfast-Actor": "mallory"}, None, 403, "not-permitted"),
        ("POST /v2/reviews/a", ONCALL, {"label": 2, "because": "x"}, 422, "invalid-input"),
        ("POST /v2/reviews/a", ONCALL, {"label": 1, "because": ""}, 422, "invalid-input"),
        ("POST /v2/reviews/a", {"X-Holdfast-Actor": "mallory"}, {"label": 1, "because": "x"}, 403, "not-permitted"),
    ],
)
def test_call_that_cannot_be_taken_is_a_problem_that_the_docs_page_explains(
    ask: Ask, *, call: str, headers: dict[str, str], body: object, status: int, kind: str
) -> None:
    """With the value and what is allowed."""
    refused = ask(*call.split(), headers=headers, **({} if body is None else {"json": body}))
    assert (refused.status_code, refused.json()["type"]) == (status, f"/docs#problem-{kind}")
    assert f'id="problem-{kind}"' in ask("GET", "/docs").text


def test_body_that_is_no_json_is_refused(ask: Ask) -> None:
    """As for predictions."""
    refused = ask("POST", "/v2/reviews/a", headers=ONCALL, content=b"{")
    assert (refused.status_code, refused.json()["title"]) == (400, "malformed json")


def test_another_person_s_claim_and_word_are_told(ask: Ask) -> None:
    """And the word gives way only to one that says so."""
    ask("POST", "/v2/reviews/next", headers=ONCALL, json={})
    operations = {"X-Holdfast-Actor": "flight-operations"}
    said = {"label": 1, "because": "seen"}
    refused = ask("POST", "/v2/reviews/a", headers=operations, json=said)
    assert (refused.status_code, refused.json()["title"]) == (409, "review conflict")
    assert "on-call looks at a until" in refused.json()["detail"]
    ask("POST", "/v2/reviews/a", headers=ONCALL, json=said)
    assert ask("POST", "/v2/reviews/a", headers=operations, json=said | {"label": 0}).status_code == 409
    overruled = ask("POST", "/v2/reviews/a", headers=operations, json=said | {"label": 0, "overrule": True}).json()
    assert (overruled["answer"], overruled["answered_by"]) == (0, "flight-operations")


def test_caller_sees_only_their_own_tenant_s_predictions(ledger: Engine) -> None:
    """Another's is not found, in the same words as one that is not there."""
    Reviews(ledger).enter([of_flights("a", tenant="one")])
    api = api_of(ledger)

    def seen(prediction_id: str, caller: Caller) -> Any:
        return asyncio.run(api.of_prediction("GET", prediction_id, caller))

    assert seen("a", Caller("one")).status == 200
    for name, caller in (("a", Caller("two")), ("a", Caller()), ("z", Caller("one"))):
        with pytest.raises(Refused, match=f"nobody is asked about a prediction '{name}'"):
            seen(name, caller)


def keyed(api: ReviewApi, person: str | None, role: Role = Role.REVIEW) -> tuple[Ask, dict[str, str]]:
    """Return an application whose door needs keys, and the header with the key of a person, None for a program."""
    secret = "5" * 64
    key = ApiKey("a" * 12, "acme", role, digest_of(secret), person, NOON)
    guests = guests_of(Roster((Tenant("acme", 100.0, 100, Priority.STANDARD),), (key,)))
    door = Door(Known(guests), required=True)
    return asking(api, door), {"X-API-Key": written_key(key.key_id, secret)}


def test_where_keys_are_required_a_key_s_person_reviews(ask: Ask, ledger: Engine) -> None:
    """Under that person's name; the header may only repeat it."""
    asked_by_key, key = keyed(api_of(ledger), "on-call")
    assert asked_by_key("POST", "/v2/reviews/next", headers=key, json={}).json()["review"]["claimed_by"] == "on-call"
    said = {"label": 1, "because": "seen"}
    assert asked_by_key("POST", "/v2/reviews/a", headers=key | ONCALL, json=said).json()["answered_by"] == "on-call"
    other = key | {"X-Holdfast-Actor": "flight-operations"}
    refused = asked_by_key("POST", "/v2/reviews/b", headers=other, json=said)
    assert (refused.status_code, "belongs to 'on-call'" in refused.json()["detail"]) == (403, True)
    assert ask("GET", "/v2/reviews/b", headers=ONCALL).json()["answer"] is None


@pytest.mark.parametrize(
    ("person", "role", "said"),
    [
        ("mallory", Role.REVIEW, "'mallory' may not review this model"),
        (None, Role.REVIEW, "is a program's and nobody's own"),
        ("on-call", Role.PREDICT, "has the role predict; this needs review"),
    ],
)
def test_key_and_policy_must_both_let_a_person_review(
    ask: Ask, ledger: Engine, person: str | None, role: Role, said: str
) -> None:
    """A name in a header does not help."""
    asked_by_key, key = keyed(api_of(ledger), person, role)
    for call in (("GET", "/v2/reviews/a"), ("POST", "/v2/reviews/next"), ("POST", "/v2/reviews/a")):
        body = {} if call[1].endswith("next") else {"label": 1, "because": "x"}
        refused = asked_by_key(*call, headers=key, json=body)
        assert (refused.status_code, refused.json()["title"]) == (403, "not permitted")
        assert said in refused.json()["detail"]
    assert ask("GET", "/v2/reviews/a", headers=ONCALL).json()["claimed_by"] is None


def test_without_a_key_nobody_comes_to_a_review_where_keys_are_required(ledger: Engine) -> None:
    """Neither to answer nor to see."""
    Reviews(ledger).enter([of_flights("a", tenant="acme"), of_flights("b", tenant="other")])
    asked_by_key, key = keyed(api_of(ledger), None, Role.PREDICT)
    for call in (("GET", "/v2/reviews/a"), ("POST", "/v2/reviews/next"), ("GET", "/v2/predictions/a/review")):
        assert asked_by_key(*call, headers=ONCALL).status_code == 401
    assert asked_by_key("GET", "/v2/predictions/a/review", headers=key).json()["state"] == "pending"
    assert asked_by_key("GET", "/v2/predictions/b/review", headers=key).status_code == 404


def test_ledger_that_is_away_is_a_503_with_retry_after(tmp_path: Path) -> None:
    """Nothing else of the gateway needs it."""
    ask = asking(api_of(connect(f"sqlite:///{tmp_path / 'none.db'}")))
    refused = ask("GET", "/v2/predictions/a/review")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert "HOLDFAST_LEDGER_URL" in refused.json()["detail"]
    assert ask("GET", "/v2/health/live").status_code == 200


def test_calls_are_in_the_openapi_document(ask: Ask) -> None:
    """With the bodies that they take."""
    paths = ask("GET", "/openapi.json").json()["paths"]
    body = paths["/v2/reviews/{prediction_id}"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == {"label", "because", "overrule"}
    assert {"/v2/reviews/next", "/v2/predictions/{prediction_id}/review"} <= set(paths)
