"""How many replicas there were to be."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from stores.ledger import scalings as module
from stores.ledger.scalings import Scaling, Scalings, record_quietly

AT = datetime(2026, 1, 1, tzinfo=UTC)


def scaling(second: int = 0, replicas: int = 2) -> Scaling:
    """Return a change."""
    return Scaling(AT + timedelta(seconds=second), 1, replicas, 1, 4, "p95 of m is 130 ms; target_p95_ms allows 100")


def test_newest_change_is_told_and_one_told_twice_stays(ledger: Engine) -> None:
    """Two controllers may say the same."""
    told = Scalings(ledger)
    assert told.last() == ()
    told.record(scaling(0))
    told.record(scaling(5, replicas=3))
    told.record(scaling(5, replicas=4))
    assert told.last() == (scaling(5, replicas=3),)
    assert told.last(most=9) == (scaling(0), scaling(5, replicas=3))


def test_only_the_newest_changes_are_kept(ledger: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that is never at rest must not fill the ledger."""
    monkeypatch.setattr(module, "KEPT", 3)
    for second in range(6):
        Scalings(ledger).record(scaling(second))
    assert Scalings(ledger).last(most=9) == tuple(scaling(second) for second in (3, 4, 5))


def test_ledger_that_is_away_stops_nobody(tmp_path: Path) -> None:
    """A change without a record is still a change."""
    record_quietly(scaling(), f"sqlite:///{tmp_path / 'nothing.db'}")
    record_quietly(scaling(), "postgresql+psycopg://holdfast@127.0.0.1:9/holdfast")
