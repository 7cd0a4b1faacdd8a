"""The real server: Ray Serve behind HAProxy, a stock client, and replicas that are killed under load."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil
import pytest
from tritonclient.http import InferenceServerClient

from feature_repo.definition import load_definition
from feature_repo.feast_store import open_feature_store
from lifecycle.plan import empty_plan
from stores.ledger.arms import Arms
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.prediction_log.shipper import adopt_orphans
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings
from stores.versions import Versions
from tests.serving.conftest import MODEL, POLICIES, flight, write_version
from tests.serving.test_open_inference import binary_inputs

ROOT = Path(__file__).parents[2]
START_SECONDS = 180
UNUSED_OFFSET = 10
"""Of a block of ports: nothing of a server listens there."""
PREDICT = f"/v2/models/{MODEL}/predict"

pytestmark = [
    pytest.mark.timeout(400),
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]


@dataclass(frozen=True)
class Running:
    """A server process, and where its state is."""

    process: subprocess.Popen[str]
    chosen: Settings

    @property
    def address(self) -> str:
        """Address of the endpoint."""
        return self.chosen.http_address

    def replicas(self) -> list[psutil.Process]:
        """Return the gateway processes that live."""
        return living_replicas(self.process.pid)


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return settings for a server with two replicas, on free ports."""
    home = tmp_path_factory.mktemp("server")
    policies = home / "policies"
    policies.mkdir()
    text = (POLICIES / f"{MODEL}.yaml").read_text(encoding="utf-8")
    text = text.replace("minimum: 1\n", "minimum: 2\n").replace("maximum: 1 ", "maximum: 2 ")
    (policies / f"{MODEL}.yaml").write_text(text, encoding="utf-8")
    return Settings(home=home, policies=policies, http_port=free_port(), ray_port_base=free_block())


@pytest.fixture(scope="module")
def server(chosen: Settings) -> Iterator[Running]:
    """Start a server with one promoted version; stop it as an operator would."""
    for version in ("1", "2"):
        write_version(chosen.versions, version, seed=int(version))
    open_feature_store(load_definition(MODEL), chosen.features)
    engine = open_ledger(chosen.ledger_address)
    Plans(engine).write(empty_plan(MODEL).promote("1", datetime.now(UTC)), datetime.now(UTC))
    engine.dispose()
    process = start(chosen)
    try:
        ready = chosen.run / "serving.json"
        until(lambda: ready.exists() or process.poll() is not None, START_SECONDS)
        assert process.poll() is None, process.communicate()[0]
        assert json.loads(ready.read_text(encoding="utf-8"))["pid"] == process.pid
        yield Running(process, chosen)
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert len(said.splitlines()) <= 2, said
    assert not ready.exists()
    assert list((chosen.prediction_log / "segments").glob("*/*")) == []


def start(chosen: Settings, **more: str) -> subprocess.Popen[str]:
    """Start a server process."""
    environment = os.environ | {
        "HOLDFAST_HOME": str(chosen.home),
        "HOLDFAST_POLICIES": str(chosen.policies),
        "HOLDFAST_HTTP_PORT": str(chosen.http_port),
        "HOLDFAST_RAY_PORT_BASE": str(chosen.ray_port_base),
    }
    environment |= more
    return subprocess.Popen(
        [sys.executable, "-m", "serving.server"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_block() -> int:
    """Return the first of a hundred ports that nothing listens on, and that no other test takes while this one runs."""
    taken = {connection.laddr.port for connection in psutil.net_connections("tcp") if connection.laddr}
    offset = os.getpid() % 80 * 100
    bases = (base for base in range(20000 + offset, 32000, 100) if not taken & set(range(base, base + 100)))
    return next(base for base in bases if _reserved(base + UNUSED_OFFSET))


def _reserved(port: int) -> bool:
    """Take a port until this process ends, and return whether it was free.

    A server binds its own ports only seconds after it was given a block, and tests run side by side.
    """
    mark = socket.socket()
    try:
        mark.bind(("127.0.0.1", port))
        mark.listen()
    except OSError:
        mark.close()
        return False
    mark.detach()
    return True


def living_replicas(server: int, deployment: str = "Gateway") -> list[psutil.Process]:
    """Return the processes of a server's deployment that have not ended, whether or not anybody has noticed an end."""
    children = psutil.Process(server).children(recursive=True)
    return [child for child in children if deployment in re.split(r"[:.]", _title(child))]


def _title(process: psutil.Process) -> str:
    """Return what a replica calls itself, such as ray::ServeReplica:holdfast:Gateway; "" for anything else."""
    try:
        said = " ".join(process.cmdline())
    except psutil.Error:
        return ""
    # A process that has ended and was not waited for has no words left.
    return said.split()[0] if said.startswith("ray::ServeReplica:") else ""


def until(true: Callable[[], bool], seconds: float) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)


def test_stock_client_works_unchanged(server: Running) -> None:
    """Health, metadata and inference, with the client's own defaults."""
    with InferenceServerClient(server.address.removeprefix("http://")) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready(MODEL)
        assert client.get_model_metadata(MODEL)["inputs"][0]["name"] == "carrier"
        result = client.infer(MODEL, binary_inputs([flight(), flight(flight=2)]), request_id="mine")
        named = client.infer(MODEL, binary_inputs([flight()]), model_version="1")
    assert result.as_numpy("probability").shape == (2,)
    assert result.get_response()["id"] == "mine"
    assert len(result.get_response()["parameters"]["prediction_ids"].split(",")) == 2
    assert named.get_response()["model_version"] == "1"


def test_second_server_on_the_same_port_says_which_setting_to_change(server: Running) -> None:
    """Before it starts anything."""
    second = start(server.chosen)
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 2
    assert f"HOLDFAST_HTTP_PORT leads to port {server.chosen.http_port}" in said
    assert len(said.splitlines()) == 1


def test_promotion_is_one_row_in_the_ledger(server: Running) -> None:
    """Every replica takes it over by itself and says so; no request fails meanwhile."""
    engine = open_ledger(server.chosen.ledger_address)
    plan = Plans(engine).current(MODEL)
    began = datetime.now(UTC)
    Plans(engine).write(plan.promote("2", began), began)
    with httpx.Client(base_url=server.address) as client:
        seen: list[str] = []
        while seen[-20:] != ["2"] * 20:
            seen.append(client.post(PREDICT, json={"rows": [flight()]}).raise_for_status().json()["version"])
            assert datetime.now(UTC) - began < timedelta(seconds=30)
    until(lambda: {r.plan_revision for r in Arms(engine).since(MODEL, began)} == {plan.revision + 1}, 60)
    until(lambda: len(Arms(engine).since(MODEL, began)) == 2, 60)
    engine.dispose()


def test_killed_replica_loses_no_acknowledged_prediction_and_fails_no_request(server: Running) -> None:
    """Each id that a caller was given is in the log exactly once."""
    acknowledged: list[str] = []
    failed: list[str] = []
    stop = threading.Event()

    def load() -> None:
        with httpx.Client(base_url=server.address, timeout=30) as client:
            while not stop.is_set():
                answer = client.post(PREDICT, json={"rows": [flight(), flight(flight=2)]})
                if answer.status_code == 200:
                    acknowledged.extend(one["prediction_id"] for one in answer.json()["predictions"])
                else:
                    failed.append(f"{answer.status_code} {answer.text}")

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(3)
    (victim, other) = server.replicas()
    victim.kill()
    time.sleep(4)
    stop.set()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(acknowledged) > 100
    assert other.is_running()
    until(lambda: len(server.replicas()) == 2, 90)
    adopt_orphans(server.chosen.prediction_log)
    until(lambda: set(acknowledged) <= set(_ids(server.chosen)), 60)
    logged = Counter(_ids(server.chosen))
    assert {logged[one] for one in acknowledged} == {1}
    assert max(logged.values()) == 1


def test_server_starts_without_the_ledger_from_what_this_machine_holds(tmp_path: Path) -> None:
    """Plan and versions are here; only news has to wait."""
    chosen = Settings(home=tmp_path, policies=POLICIES, http_port=free_port(), ray_port_base=free_block())
    write_version(chosen.versions, "1")
    Versions(chosen.versions, None).save_plan(empty_plan(MODEL).promote("1", datetime.now(UTC)))
    open_feature_store(load_definition(MODEL), chosen.features)
    process = start(chosen, HOLDFAST_LEDGER_URL=f"postgresql+psycopg://holdfast@127.0.0.1:{free_port()}/holdfast")
    try:
        until(lambda: (chosen.run / "serving.json").exists() or process.poll() is not None, START_SECONDS)
        answer = httpx.post(chosen.http_address + PREDICT, json={"rows": [flight()]}, timeout=30)
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert answer.status_code == 200
    assert "ledger_away" in said


def _ids(chosen: Settings) -> list[str]:
    rows = PredictionLog(chosen.prediction_log).query("SELECT prediction_id FROM predictions")
    return [str(row["prediction_id"]) for row in rows]
