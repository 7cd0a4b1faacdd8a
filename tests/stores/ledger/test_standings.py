"""Where each version stands, and that it is met once."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from lifecycle.contract import Contract, Field, FieldType
from lifecycle.errors import NotFound, TransitionRefused
from lifecycle.manifest import Example, Manifest
from lifecycle.outcome import StageChange
from lifecycle.stages import Stage
from stores.ledger.standings import Standings, change_stage

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MANIFEST = Manifest(
    model="m",
    format="onnx",
    model_file="model.onnx",
    contract=Contract(
        model="m", version=1, fields=(Field(name="a", type=FieldType.STRING, description="A", example="x"),)
    ),
    feature_service="m_v1",
    vector=("x",),
    inputs=("x",),
    example=Example(request=({"a": "x"},), features=((1.0,),), scores=(0.5,)),
    files={"model.onnx": "0" * 64},
)


def test_version_that_is_met_is_registered_with_its_manifest(ledger: Engine) -> None:
    """What was pinned at the door comes back as it was."""
    met = Standings(ledger).meet("m", "1", MANIFEST, NOW)
    assert (met.stage, met.manifest, met.changed_at) == (Stage.REGISTERED, MANIFEST, NOW)
    assert Standings(ledger).get("m", "1") == met


def test_version_that_is_met_again_stays_as_it_is(ledger: Engine) -> None:
    """Neither its stage nor its pinned manifest is written over."""
    standings = Standings(ledger)
    standings.meet("m", "1", MANIFEST, NOW)
    with ledger.begin() as connection:
        change_stage(connection, "m", StageChange("1", Stage.SHADOW), "it may try", NOW)
    again = standings.meet("m", "1", None, NOW + timedelta(hours=1))
    assert (again.stage, again.reason, again.manifest, again.changed_at) == (Stage.SHADOW, "it may try", MANIFEST, NOW)


def test_versions_are_listed_oldest_first(ledger: Engine) -> None:
    """Version 10 comes after version 9, and other models' versions are not there."""
    standings = Standings(ledger)
    for version in ("10", "9", "2"):
        standings.meet("m", version, None, NOW)
    standings.meet("other", "1", None, NOW)
    assert list(standings.of("m")) == ["2", "9", "10"]


def test_unknown_version_is_named_with_those_known(ledger: Engine) -> None:
    """The message says what there is."""
    Standings(ledger).meet("m", "1", None, NOW)
    with pytest.raises(NotFound, match="no version '7' of m was picked up; versions known: 1"):
        Standings(ledger).get("m", "7")


def test_move_that_is_not_listed_is_refused_and_changes_nothing(ledger: Engine) -> None:
    """A registered version has not been in the canary."""
    standings = Standings(ledger)
    standings.meet("m", "1", None, NOW)
    with (
        pytest.raises(TransitionRefused, match="registered version cannot become rolled_back"),
        ledger.begin() as open_,
    ):
        change_stage(open_, "m", StageChange("1", Stage.ROLLED_BACK), "", NOW)
    assert standings.get("m", "1").stage is Stage.REGISTERED


def test_move_of_a_version_that_was_never_met_is_refused(ledger: Engine) -> None:
    """A plan cannot name what nobody checked."""
    with pytest.raises(NotFound, match="version 1 of m cannot become shadow"), ledger.begin() as connection:
        change_stage(connection, "m", StageChange("1", Stage.SHADOW), "", NOW)
