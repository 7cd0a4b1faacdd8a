"""A Postgres server of our own, for tests of what both kinds of ledger must do."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

START_SECONDS = 30
ACCOUNT = "postgres"


@contextmanager
def postgres() -> Iterator[str]:
    """Run a server on a free port for a block; gives the SQLAlchemy address of its empty database."""
    program, initialise = shutil.which("postgres"), shutil.which("initdb")
    if program is None or initialise is None:
        pytest.skip("Postgres is not installed")
    # It refuses to run as root, and its own account must then be able to reach the folder.
    account = ACCOUNT if os.geteuid() == 0 else None
    root = Path(tempfile.mkdtemp(prefix="hf-pg-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    try:
        if account is not None:
            os.chown(root, pwd.getpwnam(account).pw_uid, -1)
        made = [initialise, "-D", str(root / "data"), "-A", "trust", "-U", "holdfast", "-N", "-E", "UTF8"]
        subprocess.run(made, check=True, user=account, cwd=root, capture_output=True)
        options = ["-p", str(port), "-k", str(root), "-h", "127.0.0.1", "-c", "fsync=off", "-c", "max_connections=50"]
        server = subprocess.Popen(
            [program, "-D", str(root / "data"), *options], user=account, cwd=root, stderr=subprocess.DEVNULL
        )
        address = f"postgresql+psycopg://holdfast@127.0.0.1:{port}/postgres"
        try:
            engine = create_engine(address)
            deadline = time.monotonic() + START_SECONDS
            while not _answers(engine):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            engine.dispose()
            yield address
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(START_SECONDS)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def emptied(address: str) -> None:
    """Make the database empty again."""
    engine = create_engine(address)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


def _answers(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except Exception:  # noqa: BLE001 - it is starting
        return False
    return True
