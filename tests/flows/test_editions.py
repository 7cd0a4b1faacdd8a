"""A version in the ledger is read by the definition of the contract that was pinned with it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.editions import edition_of_version
from lifecycle.errors import NotFound
from stores.ledger.opening import open_ledger
from stores.ledger.standings import Standings
from tests.flows import toy
from tests.flows.supervision.conftest import MANIFEST
from tests.serving.contracts.parcels import DEFINITION, DEFINITION_V1, MODEL, V1


def test_version_is_read_by_its_contract_s_definition(tmp_path: Path) -> None:
    """Today's where there is but one, or nothing is known of the version."""
    engine = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    standings, now = Standings(engine), datetime(2024, 5, 1, tzinfo=UTC)
    standings.meet(MODEL, "1", MANIFEST.model_copy(update={"model": MODEL, "contract": V1}), now)
    standings.meet(MODEL, "2", None, now)
    standings.meet(MODEL, "3", MANIFEST, now)
    assert edition_of_version(engine, DEFINITION, "1") is DEFINITION_V1
    assert [edition_of_version(engine, DEFINITION, version) for version in (None, "2", "9")] == [DEFINITION] * 3
    assert edition_of_version(engine, toy.DEFINITION, "1") is toy.DEFINITION
    with pytest.raises(NotFound, match="no contract 'toy_v1' of parcels"):
        edition_of_version(engine, DEFINITION, "3")
    engine.dispose()
