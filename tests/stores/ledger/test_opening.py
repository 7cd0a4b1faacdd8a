"""The ledger opens migrated, or says what is wrong."""

import socket
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from lifecycle.errors import Unavailable
from lifecycle.stages import Stage
from stores.ledger.decisions import Decisions
from stores.ledger.opening import MIGRATIONS, connect, open_ledger
from stores.ledger.schema import metadata
from stores.ledger.standings import Standings


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


def test_versions_of_an_older_ledger_are_met_where_they_stood(tmp_path: Path) -> None:
    """The champion, the way back and the rejected one of a ledger from before there were standings."""
    address = f"sqlite:///{tmp_path / 'ledger.db'}"
    engine = connect(address)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        at = "2013-04-01T00:00:00.000000+00:00"
        for revision, champion, previous in ((1, "1", None), (2, "3", "1")):
            row = {"revision": revision, "champion": champion, "previous": previous, "at": at}
            connection.execute(text("INSERT INTO plans VALUES ('m', :revision, :champion, :previous, :at)"), row)
        connection.execute(
            text(
                "INSERT INTO decisions VALUES "
                "('d', 'm', '2', 'reject', 'fail', 'too bad', '[]', '{}', 'p', 1, 'flow:train', :at)"
            ),
            {"at": at},
        )
    standings = Standings(open_ledger(address)).of("m")
    assert {version: standing.stage for version, standing in standings.items()} == {
        "1": Stage.RETIRED,
        "2": Stage.REJECTED,
        "3": Stage.CHAMPION,
    }


def test_decisions_of_an_older_ledger_keep_their_order_by_the_plans_they_were_made_from(tmp_path: Path) -> None:
    """Of one moment, and with a new one stored behind them."""
    address = f"sqlite:///{tmp_path / 'ledger.db'}"
    engine = connect(address)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    at = datetime(2013, 4, 1, tzinfo=UTC)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for revision in (2, 3, 1):
            row = {"id": f"d{revision}", "revision": revision, "at": at.isoformat(timespec="microseconds")}
            connection.execute(
                text(
                    "INSERT INTO decisions VALUES "
                    "(:id, 'm', '2', 'hold', 'fail', 'why', '[]', '{}', 'p', :revision, 'flow:supervise', :at)"
                ),
                row,
            )
    decisions = Decisions(open_ledger(address))
    decisions.record(replace(decisions.get("d1"), decision_id="new"))
    assert [made.decision_id for made in decisions.of("m")] == ["new", "d3", "d2", "d1"]
