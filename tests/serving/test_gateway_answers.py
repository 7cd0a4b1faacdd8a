"""The gateway's answers over HTTP, in process: good ones, refusals, and what is in the log."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from lifecycle.decision_policy import (
    DecisionOverride,
    DecisionPolicy,
    FieldCondition,
    SafetyFilter,
    UnsureCondition,
)
from lifecycle.plan import TrafficPlan
from tests.serving.conftest import MODEL, NOON, Bench, flight

PREDICT = f"/v2/models/{MODEL}/predict"
INFER = f"/v2/models/{MODEL}/infer"
JSON = {"content-type": "application/json"}


def test_row_gets_a_probability_a_decision_and_its_provenance(bench: Bench) -> None:
    """The answer says which version, contract and plan gave it, and how old its features were."""
    answer = bench.predict(flight())
    assert answer.status_code == 200
    said = answer.json()
    (prediction,) = said["predictions"]
    assert 0 < prediction["probability"] < 1
    assert prediction["decision"] in {"likely_late", "likely_on_time"}
    assert prediction["defaulted"] == []
    assert {key: said[key] for key in ("model", "version", "contract", "plan_revision", "feature_age_seconds")} == {
        "model": MODEL,
        "version": "2",
        "contract": "flight_delay_v1",
        "plan_revision": 2,
        "feature_age_seconds": 1800.0,
    }


def test_unknown_entity_is_answered_by_declared_defaults_and_says_so(bench: Bench) -> None:
    """A plane that nobody has seen gets the defaults; the other row is not touched."""
    first, second = bench.predict(flight(), flight(tail_number="N00000")).json()["predictions"]
    assert first["defaulted"] == []
    assert "plane_age_years" in second["defaulted"]
    logged = bench.log.rows()
    assert logged[1]["defaulted"] == second["defaulted"]
    assert None in logged[1]["feature_at"]


def test_every_answered_row_is_in_the_log_as_it_was_served(bench: Bench) -> None:
    """The log holds the request, what the model saw and what it said, under the acknowledged id."""
    answer = bench.ask("POST", PREDICT, json={"rows": [flight(), flight(flight=7)]}, headers={"x-request-id": "r-1"})
    predictions = answer.json()["predictions"]
    rows = bench.log.rows()
    assert [row["prediction_id"] for row in rows] == [one["prediction_id"] for one in predictions]
    assert [row["score"] for row in rows] == [one["probability"] for one in predictions]
    assert [row["decision"] for row in rows] == [one["decision"] for one in predictions]
    assert [row["row"] for row in rows] == [0, 1]
    second = rows[1]
    assert second["request_id"] == "r-1"
    assert second["example_id"] == "2013-04-01T14:30Z/UA/7/EWR/IAH"
    assert second["moment_at"] == datetime(2013, 4, 1, 12, 30, tzinfo=UTC)
    assert second["feature_at"][0] == datetime.fromtimestamp(NOON, UTC)
    assert '"flight":7' in second["request"]
    assert (second["model"], second["version"], second["arm"], second["plan_revision"]) == (MODEL, "2", "champion", 2)
    assert second["replica"] == "replica-a"
    assert len(second["artifact_digest"]) == 64
    assert second["cost"] > 0
    assert second["tenant"] is None


def test_logged_features_give_the_logged_score_again(bench: Bench) -> None:
    """A prediction can be replayed bit for bit from the log and the version."""
    bench.predict(*(flight(flight=number) for number in range(1, 40)))
    served = bench.models.find(MODEL)
    assert served is not None
    rows = bench.log.rows()
    matrix = np.array([row["features"] for row in rows], np.float32)
    assert served.lanes["2"].arm.predictor.score(matrix).tolist() == [row["score"] for row in rows]


def test_override_and_safety_filter_decide_above_the_threshold(make_bench: Callable[..., Bench]) -> None:
    """The log says which of them did, and nothing where it was the threshold."""
    override = DecisionOverride(
        id="snow", when=FieldCondition(field="origin", is_one_of=("JFK",)), decide="call", because="Snow."
    )
    unsure = SafetyFilter(
        id="blind", when=UnsureCondition(defaulted_features_at_least=1), decide="unsure", because="Blind."
    )
    decision = DecisionPolicy(
        threshold=0.0, positive="late", negative="fine", overrides=(override,), safety_filters=(unsure,)
    )
    bench = make_bench(decision=decision)
    bench.models.put(bench.stand_up(_plan()))
    rows = (flight(), flight(origin="JFK"), flight(origin="JFK", tail_number="N00000"))
    predictions = bench.predict(*rows).json()["predictions"]
    assert [one["decision"] for one in predictions] == ["late", "call", "unsure"]
    assert [row["decided_by"] for row in bench.log.rows()] == [None, "snow", "blind"]


def test_row_that_is_answered_says_so_in_the_log(bench: Bench) -> None:
    """With its unit, and the version beside each prediction."""
    said = bench.predict(flight(), flight(tail_number=None)).json()
    assert [one["version"] for one in said["predictions"]] == ["2", "2"]
    first, second = bench.log.rows()
    assert (first["outcome"], first["error"], first["shown"], first["pairs_with"]) == ("answered", None, True, None)
    assert (first["unit"], second["unit"]) == ("N14228", second["example_id"])


def test_requests_that_arrive_together_are_one_batch(bench: Bench) -> None:
    """One feature read and one log append serve all of them, and each gets its own answer."""
    answers = bench.ask_all([("POST", PREDICT, {"json": {"rows": [flight(flight=n)] * n}}) for n in range(1, 9)])
    assert [len(answer.json()["predictions"]) for answer in answers] == list(range(1, 9))
    assert bench.shelf.batches == [36]
    assert len(bench.log.batches) == 1
    assert [row["row"] for row in bench.log.rows()][:6] == [0, 0, 1, 0, 1, 2]


def test_named_version_answers_when_the_plan_holds_it(bench: Bench) -> None:
    """The previous champion can be asked by name."""
    answer = bench.ask("POST", f"/v2/models/{MODEL}/versions/1/predict", json={"rows": [flight()]})
    assert answer.json()["version"] == "1"
    assert bench.log.rows()[0]["arm"] == "previous"


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("POST", "/v2/models/nobody/predict", 404, "unknown-model"),
        ("POST", f"/v2/models/{MODEL}/versions/9/predict", 404, "unknown-version"),
        ("GET", f"/v2/models/{MODEL}/versions/9", 404, "unknown-version"),
        ("GET", PREDICT, 405, "wrong-method"),
        ("DELETE", f"/v2/models/{MODEL}", 405, "wrong-method"),
        ("POST", "/v2/health/live", 405, "wrong-method"),
        ("GET", "/v3", 404, "unknown-path"),
        ("POST", f"/v2/models/{MODEL}/train", 404, "unknown-path"),
        ("GET", f"/v2/models/{MODEL}/versions", 404, "unknown-path"),
    ],
)
def test_wrong_place_or_method_is_a_problem(bench: Bench, method: str, path: str, status: int, kind: str) -> None:
    """Every refusal is a problem document with a stable kind."""
    answer = bench.ask(method, path, json={"rows": [flight()]})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert said["type"] == f"/docs#problem-{kind}"
    assert said["error"] == said["detail"]
    if status == 405:
        assert answer.headers["allow"] in {"GET", "POST"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/csv"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        (JSON | {"content-encoding": "gzip"}, 415),
        ({"content-type": "application/json; charset=utf-8"}, 422),
        ({}, 422),
    ],
)
def test_body_that_says_it_is_no_json_is_refused(bench: Bench, headers: dict[str, str], status: int) -> None:
    """Only a body that may be JSON is read at all."""
    answer = bench.ask("POST", PREDICT, content=b"{}", headers=headers)
    assert answer.status_code == status


def test_contract_violation_names_field_row_value_and_allowed(bench: Bench) -> None:
    """The document carries them apart, and in words."""
    answer = bench.predict(flight(), flight(origin="SFO"))
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"field": "origin", "row": 1, "value": '"SFO"', "allowed": "one of EWR, JFK, LGA"}
    ]
    assert "origin in row 1" in answer.json()["detail"]
    assert bench.log.batches == []


def test_malformed_json_is_a_400(bench: Bench) -> None:
    """It is the body that is wrong, not a field."""
    answer = bench.ask("POST", PREDICT, content=b'{"rows": [', headers=JSON)
    assert (answer.status_code, answer.json()["title"]) == (400, "malformed json")


def test_body_above_the_limit_is_a_413(make_bench: Callable[..., Bench]) -> None:
    """Also when nobody said beforehand how long it would be."""
    bench = make_bench(max_body_bytes=300)
    bench.models.put(bench.stand_up(_plan()))

    async def pieces() -> Any:
        for _ in range(10):
            yield b" " * 100

    assert bench.predict(flight(), flight()).status_code == 413
    assert bench.ask("POST", PREDICT, content=pieces(), headers=JSON).status_code == 413
    assert bench.predict(flight()).status_code == 200


def test_overload_is_shed_with_retry_after(make_bench: Callable[..., Bench]) -> None:
    """Above the queue's bound a request is refused at once; those that wait are answered."""
    bench = make_bench(max_queued_requests=3)
    bench.models.put(bench.stand_up(_plan()))
    # No two alike, or they would share one answer.
    answers = bench.ask_all([("POST", PREDICT, {"json": {"rows": [flight(flight=n)]}}) for n in range(1, 9)])
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 3 + [503] * 5
    shed = next(answer for answer in answers if answer.status_code == 503)
    assert shed.headers["retry-after"] == "1"
    assert len(bench.log.rows()) == 3


def test_answer_that_cannot_be_logged_is_not_given(bench: Bench) -> None:
    """A full disk is an outage, never an unlogged prediction."""
    bench.log.full = True
    answers = bench.ask_all([("POST", PREDICT, {"json": {"rows": [flight()]}})] * 2)
    assert [answer.status_code for answer in answers] == [503, 503]
    assert "no space left" in answers[0].json()["detail"]
    bench.log.full = False
    assert bench.predict(flight()).status_code == 200


def test_version_asked_for_by_name_is_a_503_while_the_feature_store_is_out_of_reach(bench: Bench) -> None:
    """Defaults stand for what is missing, not for a store that is gone."""
    bench.shelf.away = True
    answer = bench.ask("POST", f"/v2/models/{MODEL}/versions/2/predict", json={"rows": [flight()]})
    assert answer.status_code == 503
    assert bench.log.batches == []


def test_one_odd_request_does_not_take_down_its_batch(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others of the batch are answered; the odd one gets a 500 that keeps its details to itself."""
    read = bench.shelf.read

    def read_unless_odd(request: Any) -> Any:
        if 13 in request["flight"]:
            raise ZeroDivisionError("secret")
        return read(request)

    monkeypatch.setattr(bench.shelf, "read", read_unless_odd)
    answers = bench.ask_all([("POST", PREDICT, {"json": {"rows": [flight(flight=n)]}}) for n in (12, 13, 14)])
    assert [answer.status_code for answer in answers] == [200, 500, 200]
    assert "secret" not in answers[1].text


def test_model_without_a_version_is_a_503_until_it_stands(make_bench: Callable[..., Bench]) -> None:
    """A known model is not unknown; it is not ready yet."""
    bench = make_bench()
    bench.models.wait(MODEL, "no version has been promoted yet", failing=False)
    answer = bench.predict(flight())
    assert answer.status_code == 503
    assert "no version has been promoted yet" in answer.json()["detail"]
    assert answer.headers["retry-after"]
    assert bench.ask("GET", "/v2/health/ready").status_code == 503
    assert bench.ask("GET", "/v2/health/live").status_code == 200
    bench.models.put(bench.stand_up(_plan()))
    assert bench.predict(flight()).status_code == 200
    assert bench.ask("GET", "/v2/health/ready").status_code == 200


def test_gateway_that_knows_no_model_is_not_ready(make_bench: Callable[..., Bench]) -> None:
    """An empty gateway must not receive traffic."""
    assert make_bench().ask("GET", "/v2/health/ready").status_code == 503


def test_model_that_nobody_has_promoted_does_not_make_the_others_unready(bench: Bench) -> None:
    """A champion that cannot stand does."""
    bench.models.wait("newcomer", "no version has been promoted yet", failing=False)
    assert bench.ask("GET", "/v2/health/ready").status_code == 200
    assert [one["ready"] for one in bench.ask("GET", "/v2/models").json()["models"]] == [True, False]
    bench.models.wait("newcomer", "version 1 fails its own example", failing=True)
    answer = bench.ask("GET", "/v2/health/ready")
    assert (answer.status_code, answer.json()["detail"]) == (503, "newcomer: version 1 fails its own example")


def test_new_plan_takes_over_between_two_requests(bench: Bench) -> None:
    """Promotion and rollback are a swap; nothing restarts."""
    before = bench.predict(flight()).json()
    bench.models.put(bench.stand_up(_plan(revision=3, champion="1", previous="2")))
    after = bench.predict(flight()).json()
    assert (before["version"], after["version"]) == ("2", "1")
    assert after["plan_revision"] == 3
    assert [row["version"] for row in bench.log.rows()] == ["2", "1"]


def test_metadata_describes_the_contract_and_the_versions(bench: Bench) -> None:
    """What a V2 client asks before it asks anything else."""
    assert bench.ask("GET", "/v2").json()["extensions"] == ["binary_tensor_data"]
    said = bench.ask("GET", f"/v2/models/{MODEL}").json()
    assert said["versions"] == ["2", "1"]
    assert said["inputs"][1] == {"name": "flight", "datatype": "INT64", "shape": [-1]}
    assert [output["name"] for output in said["outputs"]] == ["probability", "decision", "defaulted"]
    assert bench.ask("GET", f"/v2/models/{MODEL}/ready").json() == {"ready": True}
    assert bench.ask("GET", f"/v2/models/{MODEL}/versions/1/ready").status_code == 200
    assert bench.ask("GET", "/v2/models").json()["models"][0]["champion"] == "2"


def test_docs_and_openapi_list_every_field(bench: Bench) -> None:
    """A person and a program find the same contract."""
    page = bench.ask("GET", "/docs").text
    document = bench.ask("GET", "/openapi.json").json()
    body = document["paths"][PREDICT]["post"]["requestBody"]["content"]["application/json"]
    row = body["schema"]["properties"]["rows"]["items"]
    for name in flight():
        assert f"<td>{name}</td>" in page
        assert name in row["required"]
    assert row["properties"]["origin"]["enum"] == ["EWR", "JFK", "LGA"]
    assert row["properties"]["tail_number"]["type"] == ["string", "null"]
    assert bench.ask("POST", PREDICT, json=body["example"]).status_code == 200
    assert "http://" not in page.replace("http://HOST:PORT", "")
    assert bench.ask("GET", "/").headers["location"] == "/docs"


def test_every_problem_kind_is_explained_on_the_docs_page(bench: Bench) -> None:
    """The `type` of a problem leads to its explanation."""
    page = bench.ask("GET", "/docs").text
    for path in ("/v3", "/v2/models/nobody"):
        anchor = bench.ask("GET", path).json()["type"].removeprefix("/docs#")
        assert f'id="{anchor}"' in page


def _plan(revision: int = 1, champion: str = "1", previous: str | None = None) -> TrafficPlan:
    return TrafficPlan(MODEL, revision, champion, previous)
