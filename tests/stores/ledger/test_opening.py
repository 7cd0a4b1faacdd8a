"""The ledger opens migrated, or says what is wrong."""

import socket
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine

from lifecycle.errors import Unavailable
from stores.ledger.opening import open_ledger
from stores.ledger.schema import metadata


def test_the_migrations_lead_to_exactly_the_declared_tables(ledger: Engine) -> None:
    """A column added to the schema without a migration fails here."""
    with ledger.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_ledger_that_cannot_be_opened_names_itself_and_the_setting(tmp_path: Path) -> None:
    """The message holds the address and HOLDFAST_LEDGER_URL, never a password."""
    folder = tmp_path / "ledger.db"
    folder.mkdir()
    with pytest.raises(Unavailable, match="HOLDFAST_LEDGER_URL"):
        open_ledger(f"sqlite:///{folder}")


def test_a_server_that_never_answers_is_given_up_within_seconds() -> None:
    """As when packets to it are dropped on the way."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        with pytest.raises(Unavailable):
            open_ledger(f"postgresql+psycopg://holdfast@127.0.0.1:{silent.getsockname()[1]}/holdfast")
    assert time.monotonic() - began < 10
