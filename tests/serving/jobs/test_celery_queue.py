"""Celery's end of the queue, over a real Redis: offered, handed out, lost, doubled."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import Engine

from lifecycle.errors import SettingInvalid
from lifecycle.jobs import JobState
from serving.jobs.broker import QUEUE, broker_address, open_send
from serving.jobs.celery_queue import OFFER_AGAIN_SECONDS, CeleryQueue
from stores.ledger.job_records import Ending, NewJob
from stores.ledger.jobs import Jobs
from stores.ledger.opening import open_ledger
from stores.settings import Settings
from tests.policies import JOBS
from tests.redis_server import redis_server

# Ray's own classes, at import.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
MODEL = "m"


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        """Return what it was set to."""
        return self.at


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server's address."""
    with redis_server(tmp_path_factory.mktemp("redis")) as address:
        yield address


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty ledger."""
    opened = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.dispose()


@pytest.fixture
def offered(broker: str) -> Any:
    """An empty broker."""
    client: Any = redis.Redis.from_url(broker)
    client.flushall()
    return client


def queue_over(engine: Engine, send: Any, clock: Clock) -> CeleryQueue:
    """Return a queue whose worker is woken by nobody."""
    return CeleryQueue(Jobs(engine), "r", clock.now, lambda: None, send)


def leave(engine: Engine, *names: str, priority: int = 1) -> None:
    """Store jobs, due at NOW."""
    new = [NewJob(name, MODEL, "2", 5, "predict", {}, b"{}", None, priority, None, NOW) for name in names]
    assert len(Jobs(engine).enqueue(new, {MODEL: 1000})) == len(names)


def waiting(client: Any) -> int:
    """Return how many messages the broker holds, over all priorities."""
    return sum(client.llen(key) for key in client.keys(f"{QUEUE}*") if client.type(key) == b"list")


def test_due_jobs_are_offered_once_and_again_when_nobody_deals_with_them(
    engine: Engine, broker: str, offered: Any
) -> None:
    """A broker that lost everything is told everything again."""
    clock = Clock()
    queue = queue_over(engine, open_send(broker), clock)
    leave(engine, "a", "b")
    queue.tend(MODEL, JOBS)
    queue.tend(MODEL, JOBS)
    assert waiting(offered) == 2
    offered.flushall()
    clock.at += timedelta(seconds=OFFER_AGAIN_SECONDS - 1)
    queue.tend(MODEL, JOBS)
    assert waiting(offered) == 0
    clock.at += timedelta(seconds=1)
    queue.tend(MODEL, JOBS)
    assert waiting(offered) == 2


def test_a_broker_that_is_away_loses_nothing(engine: Engine, tmp_path: Path) -> None:
    """What could not be offered is offered when it is back; nothing is raised at whoever left the job."""
    with redis_server(tmp_path) as address:
        port = int(address.split(":")[2].split("/")[0])
        send = open_send(address)
    clock = Clock()
    queue = queue_over(engine, send, clock)
    leave(engine, "a")
    queue.tend(MODEL, JOBS)
    assert queue.take(MODEL, JOBS, 9) == ()
    clock.at += timedelta(seconds=OFFER_AGAIN_SECONDS)
    with redis_server(tmp_path, port) as address:
        queue.tend(MODEL, JOBS)
        assert waiting(redis.Redis.from_url(address)) == 1


def test_a_job_that_celery_brings_is_held_until_it_is_dealt_with(engine: Engine) -> None:
    """Celery is told then, and at once for one that somebody else has, that has ended, or that came twice."""
    clock = Clock()
    sent: list[tuple[str, str, int]] = []
    queue = queue_over(engine, lambda *one: sent.append(one), clock)
    leave(engine, "a", "b")
    leave(engine, "urgent", priority=0)
    queue.tend(MODEL, JOBS)
    assert sent == [(MODEL, "urgent", 0), (MODEL, "a", 1), (MODEL, "b", 1)]
    told = {name: queue.put(MODEL, name) for name in ("a", "urgent", "gone")}
    twice = queue.put(MODEL, "a")
    claimed = queue.take(MODEL, JOBS, 9)
    assert [job.job_id for job in claimed] == ["urgent", "a"]
    assert (told["gone"].done(), twice.done(), told["a"].done()) == (True, True, False)
    end(engine, claimed)
    queue.done(claimed)
    assert all(future.done() for future in told.values())
    late = queue.put(MODEL, "a")
    assert queue.take(MODEL, JOBS, 9) == ()
    assert late.done()


def test_a_job_whose_worker_died_is_offered_again(engine: Engine) -> None:
    """And the worker that comes back late is refused."""
    clock = Clock()
    sent: list[str] = []
    queue = queue_over(engine, lambda *one: sent.append(one[1]), clock)
    leave(engine, "a")
    queue.tend(MODEL, JOBS)
    queue.put(MODEL, "a")
    (dead,) = queue.take(MODEL, JOBS, 9)
    clock.at += timedelta(seconds=JOBS.lease_seconds)
    queue.tend(MODEL, JOBS)
    assert sent == ["a", "a"]
    queue.put(MODEL, "a")
    (alive,) = queue.take(MODEL, JOBS, 9)
    assert end(engine, [dead]) == frozenset()
    assert end(engine, [alive]) == {"a"}


def end(engine: Engine, claimed: Any) -> frozenset[str]:
    """End jobs well."""
    return Jobs(engine).end([Ending(job.job_id, job.token, JobState.SUCCEEDED) for job in claimed], NOW)


def test_celery_needs_a_broker() -> None:
    """The message names the variable and what to give."""
    with pytest.raises(SettingInvalid, match="HOLDFAST_JOBS_BROKER is not set"):
        broker_address(Settings(jobs="celery"))
