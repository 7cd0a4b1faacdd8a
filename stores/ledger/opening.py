"""Open the ledger, bringing its tables up to date first."""

from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from lifecycle.errors import Unavailable
from stores.ledger.failing import in_short

MIGRATIONS = files("stores.ledger") / "migrations"
SQLITE_BUSY_SECONDS = 15
CONNECT_SECONDS = 3
"""A server that swallows packets must not hold up its caller; an address may name its own connect_timeout."""


def open_ledger(address: str) -> Engine:
    """Return an engine on the ledger at a SQLAlchemy address, migrated to the newest schema.

    Raises Unavailable naming the database when it cannot be reached.
    """
    engine = connect(address)
    try:
        with engine.begin() as connection:
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except SQLAlchemyError as error:
        shown = engine.url.render_as_string(hide_password=True)
        raise Unavailable(
            f"the ledger at {shown} cannot be opened: {in_short(error)}. Check HOLDFAST_LEDGER_URL."
        ) from error
    return engine


def connect(address: str) -> Engine:
    """Return an engine on an already migrated ledger; its errors never show what a statement was given."""
    url = make_url(address)
    if url.get_backend_name() != "sqlite":
        patience = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_SECONDS}
        return create_engine(url, pool_pre_ping=True, connect_args=patience, hide_parameters=True)
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _write_ahead)
    event.listen(engine, "begin", _take_write_lock_first)
    return engine


def _write_ahead(connection: object, _: ConnectionPoolEntry) -> None:
    # Autocommit leaves BEGIN to the listener below.
    connection.isolation_level = None  # type: ignore[attr-defined]
    connection.execute("PRAGMA journal_mode=WAL")  # type: ignore[attr-defined]
    connection.execute("PRAGMA synchronous=NORMAL")  # type: ignore[attr-defined]


def _take_write_lock_first(connection: object) -> None:
    # A read that later upgrades to a write fails at once in SQLite; taking the lock at BEGIN waits.
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]
