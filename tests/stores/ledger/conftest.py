"""A migrated ledger in a file of its own, and one of each kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from stores.ledger.opening import open_ledger
from tests.postgres import emptied, postgres


@pytest.fixture
def ledger(tmp_path: Path) -> Engine:
    """An empty ledger."""
    return open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")


@pytest.fixture(scope="session")
def postgres_address() -> Iterator[str]:
    """A Postgres server's database."""
    with postgres() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgres"])
def each_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty ledger of each kind."""
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path / 'ledger.db'}"
    else:
        address = request.getfixturevalue("postgres_address")
        emptied(address)
    engine = open_ledger(address)
    yield engine
    engine.dispose()
