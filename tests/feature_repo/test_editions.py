"""Definitions of several contracts go together or are refused, and requests pass between them only as declared."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from feature_repo.definition import ModelDefinition, Older
from feature_repo.editions import (
    edition_for,
    edition_of,
    editions_of,
    require_editions,
    way,
)
from feature_repo.fit import policy_misfits
from lifecycle.contract import Contract, FieldValue
from lifecycle.errors import ContractViolation, InvalidInput, NotFound
from lifecycle.projection import Projection
from lifecycle.projection_parts import Added, Dropped, Renamed
from stores.policies import load_policy
from tests.serving.contracts.conftest import POLICY
from tests.serving.contracts.parcels import DEFINITION, DEFINITION_V1, NOON, SENDER, V1, V1_TO_V2, V2

V0 = Contract(model="parcels", version=0, fields=(*V1.fields[:4], V1.fields[4].model_copy(update={"name": "at"})))
V0_TO_V2 = Projection(
    source=V0,
    target=V2,
    renamed=(Renamed(old="weight", new="weight_kg"), Renamed(old="at", new="asked_at")),
    added=(Added(field="fragile", value=False, because="As for the next."),),
    reversible=False,
)
OLDEST = Older(replace(DEFINITION_V1, contract=V0), V0_TO_V2)
THREE = replace(DEFINITION, older=(*DEFINITION.older, OLDEST))
ROW: dict[str, FieldValue] = {"parcel": 1, "sender": "s1", "service": "road", "weight": 2.5, "at": NOON}


def test_editions_are_found_by_name_and_by_what_they_say() -> None:
    """A contract of one's name that says something else is not it."""
    assert [one.contract.name for one in editions_of(THREE)] == ["parcels_v2", "parcels_v1", "parcels_v0"]
    assert edition_of(THREE, "parcels_v1") is DEFINITION_V1
    assert edition_for(THREE, V1) is DEFINITION_V1
    changed = V1.model_copy(update={"fields": V1.fields[1:]})
    assert edition_for(THREE, changed) is None
    with pytest.raises(NotFound, match="no contract 'parcels_v9' of parcels; this code has: parcels_v2, parcels_v1"):
        edition_of(DEFINITION, "parcels_v9")


def test_ways_between_older_contracts_lead_through_todays() -> None:
    """Forward along one projection and back along another, where that is reversible."""
    found = way(THREE, "parcels_v0", "parcels_v1")
    assert found is not None
    assert not found.total
    assert found([ROW]) == [{"parcel": 1, "sender": "s1", "service": "road", "weight": 2.5, "asked_at": NOON}]
    for source, target in (("parcels_v1", "parcels_v0"), ("parcels_v2", "parcels_v0"), ("parcels_v9", "parcels_v2")):
        assert way(THREE, source, target) is None
    assert way(THREE, "parcels_v2", "parcels_v2") is None
    up, down = way(THREE, "parcels_v1", "parcels_v2"), way(THREE, "parcels_v2", "parcels_v1")
    assert up is not None
    assert down is not None
    assert (up.total, down.total) == (True, False)
    (there,) = up([{**ROW, "asked_at": NOON}])
    assert down([there]) == [{"parcel": 1, "sender": "s1", "service": "road", "weight": 2.5, "asked_at": NOON}]
    with pytest.raises(ContractViolation, match="service in row 0 is drone"):
        down([{**there, "service": "drone"}])


def older(definition: ModelDefinition = DEFINITION_V1, projection: Projection = V1_TO_V2) -> tuple[Older, ...]:
    """Return the older contracts of a definition, changed."""
    return (Older(definition, projection),)


FEWER = V2.model_copy(update={"fields": V2.fields[:5]})
TO_FEWER = Projection(source=V1, target=FEWER, renamed=V1_TO_V2.renamed, reversible=True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"older": older(replace(DEFINITION_V1, name="letters"))}, "parcels_v1 belongs to letters"),
        ({"older": older(replace(DEFINITION_V1, older=(OLDEST,)))}, "has older contracts of its own"),
        ({"older": older(projection=V0_TO_V2)}, "leads from parcels_v0 to parcels_v2"),
        ({"older": older(projection=TO_FEWER)}, "both as they stand in the definitions"),
        ({"older": DEFINITION.older * 2}, "each must have its own version"),
        (
            {"views": (replace(SENDER, owner="others"),)},
            "looks up sender_arrivals, which parcels_v2 lacks or has changed",
        ),
        ({"views": ()}, "looks up sender_arrivals"),
        ({"contract": V1}, "must have a lower version"),
    ],
)
def test_definitions_that_do_not_go_together_are_refused(changes: dict[str, Any], said: str) -> None:
    """When the model is loaded, with everything that is wrong."""
    with pytest.raises(InvalidInput) as refusal:
        require_editions(replace(DEFINITION, **changes))
    assert said in str(refusal.value)


def test_definitions_that_go_together_pass() -> None:
    """As the parcels' do, and three of them."""
    require_editions(DEFINITION)
    require_editions(THREE)


def sliced(name: str) -> Callable[[Any], Any]:
    """Return a definition's slices by another name."""
    return lambda request: {name: request["service"]}


def test_policy_must_fit_every_contract(tmp_path: Path) -> None:
    """A unit that is a constant for old clients puts them all into one arm, and a veto needs its slices everywhere."""
    (tmp_path / "parcels.yaml").write_text(POLICY, encoding="utf-8")
    policy = load_policy(tmp_path, "parcels")
    assert policy_misfits(policy, DEFINITION) == ()
    unit = policy.rollout.model_copy(update={"unit": ("fragile",)})
    (misfit,) = policy_misfits(policy.model_copy(update={"rollout": unit}), DEFINITION)
    assert "'fragile' is a constant for requests of parcels_v1" in str(misfit)
    (gate,) = policy.offline_gate
    asking = gate.model_copy(update={"require": gate.require.model_copy(update={"in_slices_of": ("service",)})})
    by_service = policy.model_copy(update={"offline_gate": (asking,)})
    assert policy_misfits(by_service, DEFINITION) == ()
    without = replace(DEFINITION, older=older(replace(DEFINITION_V1, slices=sliced("way"))))
    (misfit,) = policy_misfits(by_service, without)
    assert "slices of 'service', which parcels does not have" in str(misfit)


def test_dropped_field_has_no_way_back() -> None:
    """Nothing could fill it again."""
    dropped = Dropped(field="weight", because="It says nothing.")
    with pytest.raises(ValueError, match="weight is dropped and nothing could fill it again"):
        Projection(
            source=V1,
            target=V2.model_copy(update={"fields": (*V2.fields[:3], V2.fields[4])}),
            dropped=(dropped,),
            reversible=True,
        )
