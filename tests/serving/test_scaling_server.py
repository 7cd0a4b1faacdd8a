"""The real server: replicas that come with the load and go with it, and GPUs that Ray hands out and runs out of."""

import json
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from feature_repo.definition import load_definition
from feature_repo.feast_store import open_feature_store
from lifecycle.plan import empty_plan
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.scalings import Scalings
from stores.settings import Settings
from tests.serving.conftest import MODEL, POLICIES, flight, write_version
from tests.serving.test_server import PREDICT, START_SECONDS, Running, free_block, free_port, start, until

CHANGES = (
    ("maximum: 1 ", "maximum: 2 "),
    ("target_queue_depth: 16", "target_queue_depth: 0.5"),
    ("target_p95_ms: 100", "target_p95_ms: 5000"),
    ("scale_up_after_seconds: 15", "scale_up_after_seconds: 1"),
    ("scale_down_after_seconds: 300", "scale_down_after_seconds: 2"),
    ("champion: {cpus: 0, gpus: 0,", "champion: {cpus: 0, gpus: 0.5,"),
    ("canary: {cpus: 0, gpus: 0,", "canary: {cpus: 0, gpus: 0.5,"),
)
SCALE_SECONDS = 90.0

pytestmark = [
    pytest.mark.timeout(400),
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]


def write_policy(folder: Path, *changes: tuple[str, str]) -> None:
    """Write the shipped policy, changed."""
    folder.mkdir(exist_ok=True)
    text = (POLICIES / f"{MODEL}.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / f"{MODEL}.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a state folder with a short path."""
    made = Path(tempfile.mkdtemp(prefix="hf"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def server(home: Path) -> Iterator[Running]:
    """Start a server that may have one replica or two, with two logical GPUs, of which each replica takes one."""
    write_policy(home / "policies", *CHANGES)
    chosen = Settings(home=home, policies=home / "policies", http_port=free_port(), ray_port_base=free_block())
    write_version(chosen.versions, "1")
    open_feature_store(load_definition(MODEL), chosen.features)
    engine = open_ledger(chosen.ledger_address)
    Plans(engine).write(empty_plan(MODEL).promote("1", datetime.now(UTC)), datetime.now(UTC))
    engine.dispose()
    process = start(chosen, HOLDFAST_LOGICAL_GPUS="2", HOLDFAST_MLFLOW_PORT=str(free_port()))
    try:
        until(lambda: (chosen.run / "serving.json").exists() or process.poll() is not None, START_SECONDS)
        assert process.poll() is None, process.communicate()[0]
        yield Running(process, chosen)
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said


def test_replicas_come_with_load_and_go_with_it(server: Running) -> None:
    """One, two under load, one again when it is quiet; no request fails, and the ledger says why each time."""
    failed: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=server.address, timeout=30) as client:
            while not stop.is_set():
                answer = client.post(PREDICT, json={"rows": [flight()] * 20})
                if answer.status_code != 200:
                    failed.append(f"{answer.status_code} {answer.text}")

    assert len(server.replicas()) == 1
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: len(placed(server)) == 2, SCALE_SECONDS)
        until(lambda: len(server.replicas()) == 2, SCALE_SECONDS)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    until(lambda: len(server.replicas()) == 1, SCALE_SECONDS)
    assert failed == []
    # Two arms of half a GPU share one, and each replica has one of its own.
    assert [one["resources"].get("GPU") for one in placed(server)] == [1.0, 1.0]
    assert {tuple(one["accelerators"]["GPU"]) for one in placed(server)} == {("0",), ("1",)}
    engine = open_ledger(server.chosen.ledger_address)
    until(lambda: len(Scalings(engine).last(most=9)) >= 3, 20)
    first, up, down = Scalings(engine).last(most=3)
    engine.dispose()
    assert [(one.replicas_before, one.replicas) for one in (first, up, down)] == [(0, 1), (1, 2), (2, 1)]
    assert {(one.minimum, one.maximum) for one in (first, up, down)} == {(1, 2)}
    assert first.reason == "the gateway was started"
    assert "requests under way, and target_queue_depth allows 0.5 in each replica" in up.reason
    assert "all are quiet" in down.reason


def test_demand_that_cannot_be_met_stops_the_start_with_the_keys_to_change(home: Path) -> None:
    """Otherwise Ray would wait for GPUs in silence."""
    write_policy(home / "policies", ("champion: {cpus: 0, gpus: 0,", "champion: {cpus: 0, gpus: 3,"))
    chosen = Settings(home=home, policies=home / "policies", http_port=free_port(), ray_port_base=free_block())
    process = start(chosen, HOLDFAST_LOGICAL_GPUS="2")
    said, _ = process.communicate(timeout=START_SECONDS)
    assert process.returncode == 2, said
    assert said.splitlines()[-1].startswith(
        "resources.champion.gpus of flight_delay (3) ask for 3 gpus in each of 1 replica (replicas.minimum), "
        "together 3; there are 2."
    )


def placed(server: Running) -> list[dict[str, dict[str, Any]]]:
    """Return what each replica that has begun was given, from the replicas' log."""
    lines = (server.chosen.run / "gateway.log").read_text(encoding="utf-8").splitlines()
    return [said for line in lines if (said := json.loads(line))["event"] == "replica_placed"]
