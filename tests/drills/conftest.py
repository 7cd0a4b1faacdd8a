"""One real gateway of two replicas for all drills."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feature_repo.definition import load_definition
from feature_repo.feast_store import open_feature_store
from lifecycle.plan import empty_plan
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.settings import Settings
from tests.drills.gateway import Gateway, copied_policies
from tests.drills.moves import promoted, rolled_back
from tests.serving.conftest import MODEL, write_version
from tests.serving.test_server import START_SECONDS, free_block, free_port, start, until


@pytest.fixture
def gateway(running: Gateway) -> Gateway:
    """Return the server with version 1 as champion and nothing on trial, whatever the drill before left."""
    plan = running.plan()
    if plan.canary is not None:
        plan = running.change("roll_back", rolled_back)
    if plan.champion != "1":
        plan = running.change("promote", promoted("1"))
    running.followed(plan.revision, versions=("1",))
    return running


@pytest.fixture(scope="package")
def running() -> Iterator[Gateway]:
    """A server of two replicas whose first champion is version 1; version 2 lies ready."""
    home = Path(tempfile.mkdtemp(prefix="hf"))
    policies = copied_policies(home / "policies", replicas=2)
    chosen = Settings(home=home, policies=policies, http_port=free_port(), ray_port_base=free_block())
    for version in ("1", "2"):
        write_version(chosen.versions, version, seed=int(version))
    open_feature_store(load_definition(MODEL), chosen.features)
    engine = open_ledger(chosen.ledger_address)
    Plans(engine).write(empty_plan(MODEL).promote("1", datetime.now(UTC)), datetime.now(UTC))
    # No registry is up, and none that happens to listen on this machine is asked.
    process = start(chosen, HOLDFAST_MLFLOW_PORT=str(free_port()), HOLDFAST_WEBHOOK_ALLOW_PRIVATE="true")
    try:
        ready = chosen.run / "serving.json"
        until(lambda: ready.exists() or process.poll() is not None, START_SECONDS)
        assert process.poll() is None, process.communicate()[0]
        yield Gateway(process, chosen, engine)
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
        engine.dispose()
        shutil.rmtree(home, ignore_errors=True)
    assert process.returncode == 0, said
