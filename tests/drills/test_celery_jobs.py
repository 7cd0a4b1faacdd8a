"""Jobs through Ray Serve's task consumer on Celery with a real Redis, while each of them is killed."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lifecycle.jobs import JobState
from stores.ledger.job_lists import JobLists
from stores.prediction_log.table import PredictionLog
from tests.drills.flights import body, planes
from tests.drills.gateway import PATH, Gateway
from tests.drills.leaving import Leaving
from tests.drills.serving import serving_gateway
from tests.redis_server import redis_server
from tests.serving.conftest import flight
from tests.serving.test_server import free_port, until

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
    broker = f"redis://127.0.0.1:{broker_port}/0"
    with serving_gateway(1, HOLDFAST_JOBS="celery", HOLDFAST_JOBS_BROKER=broker) as made:
        yield made


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
        for deployment in ("Gateway", "JobConsumer"):
            gateway.a_replica(deployment).kill()
        until(lambda: counted(gateway) == {JobState.SUCCEEDED: 3 * JOBS}, END_SECONDS)
    log = PredictionLog(gateway.chosen.prediction_log)
    sql = "SELECT request_id FROM predictions WHERE arm = 'named' AND shown"
    until(lambda: len(log.query_table(sql)) >= 3 * JOBS, 60)
    ids = {job.job_id for job in JobLists(gateway.engine).newest(10 * JOBS)}
    assert Counter(row["request_id"] for row in log.query(sql)) == dict.fromkeys(ids, 1)


def left(gateway: Gateway, tails: list[str]) -> None:
    """Leave one job for each plane."""
    leaving = Leaving(gateway.address, PATH, None, [body([flight(tail_number=tail)]) for tail in tails], connections=8)
    leaving.start()
    leaving.join()
    assert len(leaving.acknowledged) == len(tails)
    assert leaving.failures == 0


def counted(gateway: Gateway) -> Counter[JobState]:
    """Return how many jobs are in which state."""
    return Counter(job.state for job in JobLists(gateway.engine).newest(10 * JOBS))
