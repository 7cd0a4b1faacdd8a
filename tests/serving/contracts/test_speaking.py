"""Whatever contract a client speaks and a version has, the answer is clear, and no value is another than was sent."""

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from feature_repo.editions import policy_terms
from lifecycle.assignment import Arm
from lifecycle.contract import V2_DATATYPES
from lifecycle.decision_policy import DecisionOverride, DecisionPolicy, FieldCondition
from lifecycle.errors import ArtifactInvalid
from lifecycle.plan import CanaryArm, TrafficPlan
from serving.rollout.trial import Trial
from stores.policies import load_policy
from tests.serving.conftest import Row
from tests.serving.contracts import parcels
from tests.serving.contracts.conftest import CONTRACT, Office, new, old
from tests.serving.contracts.parcels import DEFINITION, DEFINITION_V1, MODEL, NOON, V1, V1_TO_V2, V2
from tests.serving.rollout.trials import fails

pytestmark = [
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]

FIRST, SECOND = TrafficPlan(MODEL, 1, "1", None), TrafficPlan(MODEL, 3, "2", "1")
TRIAL = TrafficPlan(MODEL, 2, "1", None, canary=CanaryArm("2", 0, 0.5, 2, NOON, 2))


def tensors(by: Any, /, *rows: Row, **parameters: Any) -> dict[str, Any]:
    """Return the same rows as an Open Inference request."""
    inputs = [
        {
            "name": field.name,
            "shape": [len(rows)],
            "datatype": V2_DATATYPES[field.type],
            "data": [row[field.name] for row in rows],
        }
        for field in by.fields
    ]
    return {"inputs": inputs} | ({"parameters": parameters} if parameters else {})


def infer(office: Office, body: dict[str, Any], **headers: str) -> Any:
    """Return the answer to an Open Inference request."""
    return office.bench.ask("POST", f"/v2/models/{MODEL}/infer", json=body, headers=headers)


def test_client_and_version_of_one_contract_hear_of_no_other(office: Office) -> None:
    """The answer and the log are what they are with one contract."""
    office.put(FIRST)
    said = office.predict(old()).json()
    assert said["contract"] == "parcels_v1"
    assert {"request_contract", "contracts"}.isdisjoint(said)
    (row,) = office.logged()
    assert (row["contract"], row["original_contract"], row["original_request"]) == ("parcels_v1", None, None)


@pytest.mark.parametrize("named", ["parcels_v1", None])
def test_old_client_is_answered_by_the_new_contract(office: Office, named: str | None) -> None:
    """As if it had written the projected request, and told so, whether it names its contract or not."""
    office.put(SECOND)
    answer = office.predict(old(service="air"), contract=named)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["version"], said["contract"], said["request_contract"]) == ("2", "parcels_v2", "parcels_v1")
    (theirs,) = office.logged()
    same = office.predict(new(service="air")).json()
    (ours,) = office.logged()
    assert said["predictions"][0]["probability"] == same["predictions"][0]["probability"]
    alike = ("contract", "request", "features", "example_id", "unit", "moment_at", "score", "decision", "feature_at")
    assert {name: theirs[name] for name in alike} == {name: ours[name] for name in alike}
    assert theirs["original_contract"] == "parcels_v1"
    assert theirs["original_request"] == (
        '{"parcel":1,"sender":"s7","service":"air","weight":2.5,"asked_at":"2024-05-01T13:00:00Z"}'
    )
    assert theirs["features"][0] == pytest.approx(7 / 39)


def test_tensors_are_read_by_the_contract_they_are_in(office: Office) -> None:
    """Named by the parameter, by the header, or found by what fits."""
    office.put(SECOND)
    rows = (old(), old(service="air", parcel=2))
    answers = [
        infer(office, tensors(V1, *rows)),
        infer(office, tensors(V1, *rows, contract="parcels_v1")),
        infer(office, tensors(V1, *rows), **{CONTRACT: "parcels_v1"}),
        infer(office, tensors(V2, new(), new(service="air", parcel=2), contract="parcels_v2")),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4
    scores = [answer.json()["outputs"][0]["data"] for answer in answers]
    assert scores == [scores[0]] * 4
    told = [answer.json()["parameters"].get("request_contract") for answer in answers]
    assert told == ["parcels_v1"] * 3 + [None]
    assert {row["contract"] for row in office.logged()} == {"parcels_v2"}


def test_new_client_is_answered_by_an_old_version_where_nothing_is_lost(office: Office) -> None:
    """It has named its contract, and every value has its word in the old one."""
    office.put(FIRST)
    answer = office.predict(new(weight_kg=3.5), contract="parcels_v2")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["contract"], answer.json()["request_contract"]) == ("parcels_v1", "parcels_v2")
    (row,) = office.logged()
    assert row["features"][1:] == [3.5, 0.0]
    assert (row["contract"], row["original_contract"]) == ("parcels_v1", "parcels_v2")
    assert '"weight":3.5' in row["request"]
    assert '"fragile":false' in row["original_request"]


def test_new_client_whose_request_says_more_is_told_what_the_old_contract_knows(office: Office) -> None:
    """Field, row, value, what is known, and which contract to speak until then; nothing is answered or logged."""
    office.put(FIRST)
    answer = office.predict(new(), new(service="drone", fragile=True), contract="parcels_v2")
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["type"].endswith("contract-not-served")
    assert problem["errors"] == [
        {
            "field": "service",
            "row": 1,
            "value": "drone",
            "allowed": "one of road, air, which is what parcels_v1 knows",
        },
        {
            "field": "fragile",
            "row": 1,
            "value": "true",
            "allowed": "false, because parcels_v1 has no such field",
        },
    ]
    assert problem["detail"].startswith("Version 1 answers by parcels_v1, which has no word for all of this: service")
    assert problem["detail"].endswith("Speak parcels_v1 until a version of your contract answers.")
    assert office.logged() == []


def test_new_client_that_does_not_name_its_contract_is_refused_by_the_old_one(office: Office) -> None:
    """Only a declared older contract is found by what fits; the newer one is not what this version answers by."""
    office.put(FIRST)
    answer = office.predict(new())
    assert (answer.status_code, answer.json()["title"]) == (422, "contract violation")
    assert {error["field"] for error in answer.json()["errors"]} == {"fragile", "weight_kg", "weight"}


@pytest.mark.parametrize(
    ("rows", "named", "wrong"),
    [
        ((old(weight=-1.0),), "parcels_v1", {"weight"}),
        ((old(service="drone"),), "parcels_v1", {"service"}),
        ((new(weight_kg="2.5"),), "parcels_v2", {"weight_kg"}),
        ((new(),), "parcels_v1", {"fragile", "weight_kg", "weight"}),
        ((old(), new()), None, {"weight", "weight_kg", "fragile"}),
        ((old(fragile=False),), None, {"weight", "weight_kg"}),
    ],
)
def test_rows_that_fit_no_single_contract_are_refused(
    office: Office, rows: tuple[Row, ...], named: str | None, wrong: set[str]
) -> None:
    """Nothing is dropped, filled or taken from two contracts at once; a named one speaks for itself."""
    office.put(SECOND)
    answer = office.predict(*rows, contract=named)
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == wrong
    assert office.logged() == []


def test_unknown_contract_is_named_with_those_there_are(office: Office) -> None:
    """In both dialects; and two names for one request are one too many."""
    office.put(SECOND)
    for answer in (
        office.predict(new(), contract="parcels_v9"),
        infer(office, tensors(V2, new(), contract="parcels_v9")),
    ):
        assert (answer.status_code, answer.json()["title"]) == (422, "unknown contract")
        assert 'the contract "parcels_v9"; known here: parcels_v2, parcels_v1' in answer.json()["detail"]
    twice = infer(office, tensors(V1, old(), contract="parcels_v1"), **{CONTRACT: "parcels_v2"})
    assert (twice.status_code, "allowed: one of them" in twice.json()["detail"]) == (400, True)
    no_text = infer(office, tensors(V1, old(), contract=1))
    assert (no_text.status_code, "is no text" in no_text.json()["detail"]) == (400, True)
    office.put(FIRST)
    assert office.predict(old(), contract="parcels_v1").status_code == 200


def test_projection_that_is_not_reversible_answers_no_newer_request(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where its values would have a word: nobody has declared that they mean the same."""
    only = replace(
        DEFINITION, older=(replace(DEFINITION.older[0], projection=V1_TO_V2.model_copy(update={"reversible": False})),)
    )
    monkeypatch.setitem(vars(parcels_module()), "DEFINITION", only)
    office.put(FIRST)
    answer = office.predict(new(), contract="parcels_v2")
    assert answer.status_code == 409
    assert "and no way there from parcels_v2 is declared" in answer.json()["detail"]
    office.put(SECOND)
    assert office.predict(old(), contract="parcels_v1").status_code == 200


def test_version_can_be_asked_by_name_in_either_contract(office: Office) -> None:
    """The one that is asked decides what the request becomes, not the champion."""
    office.put(SECOND)
    answers = [office.predict(old(), version=version, contract="parcels_v1").json() for version in ("1", "2")]
    assert [answer["contract"] for answer in answers] == ["parcels_v1", "parcels_v2"]
    assert [answer.get("request_contract") for answer in answers] == [None, "parcels_v1"]


def test_metadata_and_pages_list_every_contract_that_is_answered(office: Office) -> None:
    """With its fields, so that a client of either finds its own."""
    office.put(SECOND)
    bench = office.bench
    said = bench.ask("GET", f"/v2/models/{MODEL}").json()
    assert said["parameters"]["contract"] == "parcels_v2"
    assert said["parameters"]["contracts"] == "parcels_v2,parcels_v1"
    post = bench.ask("GET", "/openapi.json").json()["paths"][f"/v2/models/{MODEL}/predict"]["post"]
    schemas = post["requestBody"]["content"]["application/json"]["schema"]["properties"]["rows"]["items"]["anyOf"]
    assert [set(schema["required"]) for schema in schemas] == [set(new()), set(old())]
    assert post["parameters"][0]["schema"]["enum"] == ["parcels_v2", "parcels_v1"]
    page = bench.ask("GET", "/docs").text
    assert "X-Holdfast-Contract: parcels_v1" in page
    for kind in ("unknown-contract", "contract-not-served"):
        assert f'id="problem-{kind}"' in page


def arms_of(office: Office, *rows: Row) -> list[Arm]:
    """Return each old row's arm in the trial that is served."""
    served = office.bench.models.find(MODEL)
    assert served is not None
    trial = served.trial
    assert isinstance(trial, Trial)
    return [trial.assign([trial.codec.row(typed(row))])[0] for row in rows]


def typed(row: Row) -> dict[str, Any]:
    """Return an old row's values as the codec has them."""
    return {**row, "asked_at": NOON}


def by_arm(office: Office) -> dict[Arm, Row]:
    """Return an old row for the canary, for the control group and for the champion."""
    found: dict[Arm, Row] = {}
    for number in range(200):
        row = old(sender=f"s{number}", parcel=number + 1)
        found.setdefault(arms_of(office, row)[0], row)
    return found


def as_new(row: Row) -> Row:
    """Return an old row as a new client writes it."""
    made = {**row, "fragile": False}
    made["weight_kg"] = made.pop("weight")
    return made


def test_canary_of_the_next_contract_answers_its_share_of_old_clients(office: Office) -> None:
    """In its own contract, as the answer says row by row; the others are answered as ever."""
    served = office.put(TRIAL)
    assert (served.left_out, served.trial is None) == ({}, False)
    rows = by_arm(office)
    said = office.predict(rows[Arm.CANARY], rows[Arm.CONTROL]).json()
    assert said["contracts"] == ["parcels_v2", "parcels_v1"]
    assert (said["contract"], said["request_contract"]) == ("parcels_v1", "parcels_v1")
    assert [one["version"] for one in said["predictions"]] == ["2", "1"]
    logged = {row["arm"]: row for row in office.logged()}
    canary, control = logged["canary"], logged["control"]
    assert (canary["contract"], canary["original_contract"]) == ("parcels_v2", "parcels_v1")
    assert (control["contract"], control["original_contract"]) == ("parcels_v1", None)
    assert (len(canary["features"]), len(control["features"])) == (5, 3)
    assert (canary["row"], control["row"]) == (0, 1)


def test_canary_reads_a_new_client_as_it_wrote(office: Office) -> None:
    """Not by way of the champion's older contract; that is for the champion's arms."""
    office.put(TRIAL)
    rows = by_arm(office)
    asked = [as_new(rows[Arm.CANARY]), as_new(rows[Arm.CONTROL])]
    said = office.predict(*asked, contract="parcels_v2").json()
    assert (said["contracts"], said["request_contract"]) == (["parcels_v2", "parcels_v1"], "parcels_v2")
    logged = {row["arm"]: row for row in office.logged()}
    assert (logged["canary"]["contract"], logged["canary"]["original_contract"]) == ("parcels_v2", None)
    assert (logged["control"]["contract"], logged["control"]["original_contract"]) == ("parcels_v1", "parcels_v2")
    refused = office.predict(as_new(rows[Arm.CANARY]) | {"service": "drone"}, contract="parcels_v2")
    assert refused.status_code == 409, "the champion must be able to answer whatever the canary does not"


def test_champion_answers_in_its_own_contract_for_a_canary_that_fails(office: Office) -> None:
    """From its own features; the failed attempt is logged as it was asked."""
    office.put(TRIAL)
    rows = by_arm(office)
    expected = office.predict(rows[Arm.CANARY], version="1").json()["predictions"][0]["probability"]
    arms = office.bench.stand_up._arms[MODEL]
    arms["2"] = replace(arms["2"], predictor=replace(arms["2"].predictor, predict=fails))
    office.put(TRIAL)
    office.logged()
    for asked, contract in ((rows[Arm.CANARY], "parcels_v1"), (as_new(rows[Arm.CANARY]), "parcels_v2")):
        said = office.predict(asked, contract=contract).json()
        assert (said["version"], said["contract"]) == ("1", "parcels_v1")
        assert said["predictions"][0]["probability"] == expected
        shown, failed = office.logged()
        assert (shown["arm"], shown["contract"], len(shown["features"])) == ("champion", "parcels_v1", 3)
        assert (failed["arm"], failed["contract"], len(failed["features"])) == ("canary", "parcels_v2", 5)
        assert (failed["outcome"], failed["pairs_with"]) == ("failed", shown["prediction_id"])


def test_canary_that_cannot_be_asked_everything_is_left_out(office: Office) -> None:
    """A version of the older contract has no word for some requests of today's champion."""
    served = office.put(replace(SECOND, canary=CanaryArm("3", 0, 0.5, 3, NOON, 3)))
    assert "version 3 answers by parcels_v1, and not every request of the champion's contract" in served.left_out["3"]
    assert served.trial is None
    assert office.predict(new(service="drone")).status_code == 200


def test_changed_contract_under_an_old_name_is_only_asked_in_its_own(office: Office) -> None:
    """What was declared about a contract says nothing of one that has changed since."""
    wide = V2.fields[3].model_copy(update={"maximum": 60.0})
    changed = V2.model_copy(update={"fields": (*V2.fields[:3], wide, *V2.fields[4:])})
    opened = office.bench.stand_up.open_version

    def open_version(model: str, version: str) -> Any:
        files = opened(model, version)
        return replace(files, manifest=files.manifest.model_copy(update={"contract": changed}))

    office.bench.stand_up.open_version = open_version
    office.put(TrafficPlan(MODEL, 3, "2", None))
    assert office.predict(new(weight_kg=55.0)).status_code == 200
    answer = office.predict(old(), contract="parcels_v1")
    assert (answer.status_code, "no way there from parcels_v1" in answer.json()["detail"]) == (409, True)


def test_other_words_for_the_same_fields_change_nothing(office: Office) -> None:
    """A description is mended in the code, and the version that stands has the old one."""
    words = tuple(one.model_copy(update={"description": "Better said", "example": None}) for one in V2.fields)
    opened = office.bench.stand_up.open_version

    def open_version(model: str, version: str) -> Any:
        files = opened(model, version)
        changed = V2.model_copy(update={"fields": words})
        return replace(files, manifest=files.manifest.model_copy(update={"contract": changed}))

    office.bench.stand_up.open_version = open_version
    office.put(TrafficPlan(MODEL, 3, "2", None))
    assert office.predict(old(), contract="parcels_v1").status_code == 200


def test_version_of_a_contract_that_the_code_does_not_have_does_not_stand(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says which contracts there are, and how to keep one."""
    monkeypatch.setitem(vars(parcels_module()), "DEFINITION", DEFINITION_V1)
    with pytest.raises(ArtifactInvalid, match="no contract 'parcels_v2' of parcels; this code has: parcels_v1"):
        office.put(TrafficPlan(MODEL, 3, "2", None))


def test_policy_speaks_of_todays_contract_also_for_older_versions(office: Office, policies: Path) -> None:
    """An override about today's values decides for a version of the older contract, too."""
    when = FieldCondition(field="service", is_one_of=("air", "drone"))
    override = DecisionOverride(id="by-air", when=when, decide="look", because="-")
    policy = load_policy(policies, MODEL)
    decision = DecisionPolicy(**{**policy.decision.model_dump(), "overrides": (override,)})
    office.bench.stand_up.policy_of = lambda _: policy.model_copy(update={"decision": decision})
    office.put(FIRST)
    office.predict(old(service="air"), old())
    assert [row["decided_by"] for row in office.logged()] == ["by-air", None]


def test_terms_of_the_policy_are_todays_names_values_and_constants() -> None:
    """Array by array, for rows of the older contract."""
    terms = policy_terms(DEFINITION, "parcels_v1")
    assert terms is not None
    request = {
        "parcel": np.array([1, 2]),
        "sender": np.array(["s1", "s2"], dtype=object),
        "service": np.array(["road", "air"], dtype=object),
        "weight": np.array([1.0, 2.0]),
        "asked_at": np.array([0.0, 0.0]),
    }
    found = terms.columns(request)
    assert {name: column.tolist() for name, column in found.items()} == {
        "parcel": [1, 2],
        "sender": ["s1", "s2"],
        "service": ["road", "air"],
        "weight_kg": [1.0, 2.0],
        "asked_at": [0.0, 0.0],
        "fragile": [False, False],
    }
    assert terms.names(("sender", "weight_kg")) == ("sender", "weight")
    assert policy_terms(DEFINITION, "parcels_v2") is None


def parcels_module() -> ModuleType:
    """Return the module in which the engine finds the parcels."""
    return sys.modules[f"feature_repo.{parcels.MODEL}"]
