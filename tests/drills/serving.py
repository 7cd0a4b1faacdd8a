"""A real gateway for a block: its state, its server's start, and its end as an operator ends it."""

import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from feature_repo.definition import load_definition
from feature_repo.feast_store import open_feature_store
from lifecycle.plan import empty_plan
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.settings import Settings
from tests.drills.gateway import Gateway, copied_policies
from tests.serving.conftest import MODEL, write_version
from tests.serving.test_server import START_SECONDS, free_block, free_port, start, until

STOP_SECONDS = 120.0
"""Four times what an idle machine takes at the most."""


@contextmanager
def serving_gateway(replicas: int, versions: Sequence[str] = ("1",), **more: str) -> Iterator[Gateway]:
    """Serve from so many replicas with the first of the versions as champion; `more` are the server's settings."""
    home = Path(tempfile.mkdtemp(prefix="hf"))
    policies = copied_policies(home / "policies", replicas)
    chosen = Settings(home=home, policies=policies, http_port=free_port(), ray_port_base=free_block())
    for version in versions:
        write_version(chosen.versions, version, seed=int(version))
    open_feature_store(load_definition(MODEL), chosen.features)
    engine = open_ledger(chosen.ledger_address)
    Plans(engine).write(empty_plan(MODEL).promote(versions[0], datetime.now(UTC)), datetime.now(UTC))
    # No registry is up, and none that happens to listen on this machine is asked.
    process = start(chosen, HOLDFAST_MLFLOW_PORT=str(free_port()), **more)
    try:
        ready = chosen.run / "serving.json"
        until(lambda: ready.exists() or process.poll() is not None, START_SECONDS)
        assert process.poll() is None, process.communicate()[0]
        yield Gateway(process, chosen, engine)
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=STOP_SECONDS)
        engine.dispose()
        shutil.rmtree(home, ignore_errors=True)
    assert process.returncode == 0, said
