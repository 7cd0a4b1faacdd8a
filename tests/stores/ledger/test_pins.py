"""Pins: what was pinned, nothing, or nobody to ask."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lifecycle.errors import Unavailable
from stores.ledger.opening import connect, open_ledger
from stores.ledger.pins import Pins
from stores.ledger.standings import Standings
from tests.stores.artifacts import write_version

NOW = datetime(2020, 1, 1, tzinfo=UTC)


def test_pinned_manifest_comes_back_and_an_unknown_version_has_none(tmp_path: Path) -> None:
    """A version that was refused or never met has no pin."""
    engine = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    manifest = write_version(tmp_path / "1")
    Standings(engine).meet("toy", "1", manifest, NOW)
    Standings(engine).meet("toy", "2", None, NOW)
    assert [Pins(engine)("toy", version) for version in ("1", "2", "3")] == [manifest, None, None]


def test_ledger_without_its_tables_is_unavailable(tmp_path: Path) -> None:
    """The caller goes on with its local copy."""
    with pytest.raises(Unavailable, match="HOLDFAST_LEDGER_URL"):
        Pins(connect(f"sqlite:///{tmp_path / 'empty.db'}"))("toy", "1")
