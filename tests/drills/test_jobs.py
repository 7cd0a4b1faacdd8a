"""Thousands of jobs while workers and their receiver are killed at random: none lost, none told twice."""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lifecycle.jobs import JobState
from stores.ledger.deliveries import Deliveries
from stores.ledger.job_lists import JobLists
from stores.prediction_log.table import PredictionLog
from stores.signing_secret import master_secrets, tenant_secrets
from tests.drills.flights import body, planes
from tests.drills.gateway import PATH, Gateway
from tests.drills.leaving import Leaving
from tests.drills.moves import promoted, rolled_back
from tests.drills.receiver import AGAIN, EFFECT, WRONG
from tests.drills.sizes import size
from tests.serving.conftest import MODEL, flight
from tests.serving.test_server import ROOT, free_port, until

JOBS = size(full=10_000, usual=4_000)
CONNECTIONS = 16
SEED = 7
WORKER_KILLS = 3
DOWN_SECONDS = (0.3, 2.5)
UP_SECONDS = (0.5, 2.0)
END_SECONDS = 400.0

pytestmark = [
    pytest.mark.timeout(600),
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]


@dataclass
class Receiver:
    """A receiver's process, which can be killed and started again, and the book that it keeps."""

    port: int
    book: Path
    secret: str
    kills: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        """Start it, on the port it had."""
        command = [sys.executable, "-m", "tests.drills.receiver", str(self.port), str(self.book), self.secret]
        self.process = subprocess.Popen(command, cwd=ROOT)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.kills += 1

    def lines(self) -> list[dict[str, Any]]:
        """Return what it wrote down."""
        if not self.book.exists():
            return []
        return [json.loads(line) for line in self.book.read_bytes().split(b"\n")[:-1]]


@pytest.fixture
def receiver(gateway: Gateway, tmp_path: Path) -> Iterator[Receiver]:
    """Return a receiver that is up."""
    (secret,) = tenant_secrets(master_secrets(gateway.chosen), None)
    made = Receiver(free_port(), tmp_path / "book.jsonl", secret)
    made.start()
    yield made
    made.kill()


def test_no_job_is_lost_or_told_twice_whoever_is_killed(gateway: Gateway, receiver: Receiver) -> None:
    """Each job has one answer, by the version it was left for, one message that had an effect, and one logged row."""
    draw = random.Random(SEED)
    began, began_at = time.monotonic(), datetime.now(UTC)
    bodies = [body([flight(tail_number=tail)]) for tail in planes(JOBS)]
    address = (gateway.chosen.host, gateway.chosen.http_port)
    leaving = Leaving(address, PATH, f"http://127.0.0.1:{receiver.port}/", bodies, CONNECTIONS)
    leaving.start()
    lists, kills = JobLists(gateway.engine), 0
    until(lambda: len(leaving.acknowledged) > JOBS // 10, END_SECONDS)
    gateway.change("promote", promoted("2"))
    while len(leaving.acknowledged) < JOBS or _open(lists):
        assert time.monotonic() - began < END_SECONDS, lists.standing(MODEL)
        time.sleep(draw.uniform(*UP_SECONDS))
        receiver.kill()
        workers = list(gateway.replicas().values())
        if kills < WORKER_KILLS and workers:
            draw.choice(workers).kill()
            kills += 1
        time.sleep(draw.uniform(*DOWN_SECONDS))
        receiver.start()
    leaving.join()
    done = time.monotonic() - began
    gateway.change("roll_back", rolled_back)
    assert kills == WORKER_KILLS
    print(  # noqa: T201 - the drill's result
        f"{JOBS} jobs in {done:.0f} s, left within {leaving.seconds:.0f} s with {leaving.failures} failures; "
        f"{kills} workers and {receiver.kills} receivers killed"
    )
    _compare(gateway, receiver, leaving, began_at)


def _open(lists: JobLists) -> int:
    standing = lists.standing(MODEL)
    return standing.waiting + standing.running + standing.undelivered


def _compare(gateway: Gateway, receiver: Receiver, leaving: Leaving, since: datetime) -> None:
    lines = receiver.lines()
    effects = [line for line in lines if line["what"] == EFFECT]
    assert [line for line in lines if line["what"] == WRONG] == []
    assert Deliveries(gateway.engine).dead() == ()
    stored = {job.job_id: job for job in JobLists(gateway.engine).newest(3 * JOBS, MODEL) if job.enqueued_at >= since}
    assert Counter(job.state for job in stored.values()) == {JobState.SUCCEEDED: len(stored)}
    acknowledged = set(leaving.acknowledged.values())
    assert len(acknowledged) == JOBS
    assert acknowledged <= stored.keys()
    # One effect for each job that is stored, acknowledged or not: by its version, which is the one it was left for.
    assert Counter(line["job"] for line in effects) == dict.fromkeys(stored, 1)
    assert all(line["version"] == stored[line["job"]].version for line in effects)
    assert {job.version for job in stored.values()} == {"1", "2"}
    log = PredictionLog(gateway.chosen.prediction_log)
    sql = "SELECT prediction_id, request_id, version FROM predictions WHERE arm = 'named' AND shown"
    until(lambda: stored.keys() <= set(log.query_table(sql)["request_id"].to_pylist()), 60)
    rows = [row for row in log.query(sql) if row["request_id"] in stored]
    assert {row["request_id"]: (row["prediction_id"], row["version"]) for row in rows} == {
        line["job"]: (line["predictions"][0], line["version"]) for line in effects
    }
    assert len(rows) == len(stored)
    again = sum(line["what"] == AGAIN for line in lines)
    twice = sum(job.attempts > 1 for job in stored.values())
    print(f"{len(stored)} jobs stored, {twice} computed more than once, {again} messages came again")  # noqa: T201 - as above
