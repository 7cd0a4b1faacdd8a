"""Jobs through Ray Serve's task consumer on Celery with a real Redis, while each of them is killed."""

import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from feature_repo.definition import load_definition
from feature_repo.feast_store import open_feature_store
from lifecycle.jobs import JobState
from lifecycle.plan import empty_plan
from stores.ledger.job_lists import JobLists
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings
from tests.drills.flights import body, planes
from tests.drills.gateway import PATH, Gateway, copied_policies
from tests.drills.leaving import Leaving
from tests.redis_server import redis_server
from tests.serving.conftest import MODEL, flight, write_version
from tests.serving.test_server import START_SECONDS, free_block, free_port, start, until

JOBS = 300
END_SECONDS = 240.0

pytestmark = [
    pytest.mark.timeout(900),
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]


@pytest.fixture
def broker_port() -> int:
    """The port at which Redis is, whenever it is up."""
    return free_port()


@pytest.fixture
def gateway(broker_port: int) -> Iterator[Gateway]:
    """A server of one replica whose jobs Celery hands out."""
    home = Path(tempfile.mkdtemp(prefix="hf"))
    policies = copied_policies(home / "policies", replicas=1)
    chosen = Settings(home=home, policies=policies, http_port=free_port(), ray_port_base=free_block())
    write_version(chosen.versions, "1", seed=1)
    open_feature_store(load_definition(MODEL), chosen.features)
    engine = open_ledger(chosen.ledger_address)
    Plans(engine).write(empty_plan(MODEL).promote("1", datetime.now(UTC)), datetime.now(UTC))
    settings = {
        "HOLDFAST_MLFLOW_PORT": str(free_port()),
        "HOLDFAST_JOBS": "celery",
        "HOLDFAST_JOBS_BROKER": f"redis://127.0.0.1:{broker_port}/0",
    }
    process = start(chosen, **settings)
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


def test_every_job_is_answered_once_whoever_is_killed(broker_port: int, gateway: Gateway, tmp_path: Path) -> None:
    """The broker forgets everything, gateway and consumer die: each job has one answer and one logged row."""
    tails = planes(3 * JOBS)
    with redis_server(tmp_path, broker_port):
        left(gateway, tails[:JOBS])
        until(lambda: counted(gateway)[JobState.SUCCEEDED] > JOBS // 10, END_SECONDS)
    # Nobody can be told of new jobs now; they are kept all the same.
    left(gateway, tails[JOBS : 2 * JOBS])
    with redis_server(tmp_path, broker_port):
        left(gateway, tails[2 * JOBS :])
        for name in ("Gateway", "JobConsumer"):
            kill(gateway, name)
        until(lambda: counted(gateway) == {JobState.SUCCEEDED: 3 * JOBS}, END_SECONDS)
    log = PredictionLog(gateway.chosen.prediction_log)
    sql = "SELECT request_id FROM predictions WHERE arm = 'named' AND shown"
    until(lambda: len(log.query_table(sql)) >= 3 * JOBS, 60)
    ids = {job.job_id for job in JobLists(gateway.engine).newest(10 * JOBS)}
    assert Counter(row["request_id"] for row in log.query(sql)) == dict.fromkeys(ids, 1)


def left(gateway: Gateway, tails: list[str]) -> None:
    """Leave one job for each plane."""
    address = (gateway.chosen.host, gateway.chosen.http_port)
    leaving = Leaving(address, PATH, None, [body([flight(tail_number=tail)]) for tail in tails], connections=8)
    leaving.start()
    leaving.join()
    assert len(leaving.acknowledged) == len(tails)
    assert leaving.failures == 0


def counted(gateway: Gateway) -> Counter[JobState]:
    """Return how many jobs are in which state."""
    return Counter(job.state for job in JobLists(gateway.engine).newest(10 * JOBS))


def kill(gateway: Gateway, name: str) -> None:
    """Kill a deployment's replica."""
    children = psutil.Process(gateway.process.pid).children(recursive=True)
    (replica,) = [child for child in children if child.name().startswith("ray::Serve") and named(child, name)]
    replica.kill()


def named(process: psutil.Process, name: str) -> bool:
    """Return whether a process is a replica of a deployment."""
    try:
        said = process.cmdline()
    except psutil.Error:
        # It has ended, and nobody has noticed yet.
        return False
    return any(part.endswith(f":{name}") for part in said[0].split())
