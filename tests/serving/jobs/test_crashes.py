"""Whoever dies in the middle of a job, its effects are there once."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from lifecycle.errors import Unavailable
from lifecycle.jobs import JobState
from stores.clock import SystemClock
from stores.ledger.job_log import JobLog
from stores.ledger.jobs import Jobs
from stores.ledger.leases import Leases
from stores.prediction_log import shipping_jobs
from stores.prediction_log.shipping_jobs import ship_job_rows
from tests.serving.conftest import MODEL, flight
from tests.serving.jobs.conftest import Office, at_work, ended, left, until
from tests.serving.jobs.receiver import Receiver

pytestmark = pytest.mark.timeout(60)


def test_a_job_of_a_worker_that_died_is_answered_by_another(office: Office) -> None:
    """Once its lease has ended; the job says how many workers had it."""

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            job_id = await left(client, flight())
        dead = Jobs(office.engine).claim(MODEL, holder="dead", lease_seconds=0.3, limit=9, now=SystemClock().now())
        assert [job.job_id for job in dead] == [job_id]
        async with at_work(office) as client:
            told = await ended(client, job_id)
            assert (told["state"], told["attempts"]) == ("succeeded", 2)

    asyncio.run(scenario())


def test_a_worker_that_comes_back_too_late_changes_nothing(office: Office, receiver: Receiver) -> None:
    """Both computed the job; the answer, the log rows and the message are those of one of them."""

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            job_id = await left(client, flight(), headers={"x-holdfast-webhook": receiver.url})
        slow = office.open()
        jobs = Jobs(office.engine)
        claimed = jobs.claim(MODEL, holder="slow", lease_seconds=0, limit=9, now=SystemClock().now())
        endings = await slow.worker.answering.answer(MODEL, claimed)
        assert [ending.state for ending in endings] == [JobState.SUCCEEDED]
        async with at_work(office) as client:
            told = await ended(client, job_id)
            answer = (await client.get(told["result"])).json()
            assert jobs.end(endings, SystemClock().now()) == frozenset()

            async def shipped() -> bool:
                return office.log().count() > 0 and bool(receiver.came)

            await until(shipped)
            await asyncio.sleep(0.3)
            assert (await client.get(told["result"])).json() == answer
            assert not JobLog(office.engine).waiting()
        (prediction,) = answer["predictions"]
        assert office.log().query("SELECT prediction_id FROM predictions") == [
            {"prediction_id": prediction["prediction_id"]}
        ]
        assert len(receiver.came) == 1
        assert prediction["prediction_id"] != endings[0].rows[0]["prediction_id"][0].as_py()

    asyncio.run(scenario())


def test_a_job_that_kills_its_workers_fails_after_so_many(office: Office) -> None:
    """A job that nobody survives must not kill every worker there is."""

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            job_id = await left(client, flight())
        for _ in range(2):
            jobs = Jobs(office.engine)
            assert jobs.claim(MODEL, holder="dead", lease_seconds=0, limit=9, now=SystemClock().now())
        async with at_work(office, attempts=2) as client:
            told = await ended(client, job_id)
            assert told["state"] == "failed"
            assert told["reason"] == "given-up: 2 workers took this job and none of them ended it"

    asyncio.run(scenario())


def test_one_job_that_cannot_be_scored_does_not_take_others_with_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails with its failed attempt in the log; those it was batched with are answered."""
    served = office.bench.models.find(MODEL)
    assert served is not None
    predictor = served.lanes["2"].arm.predictor
    honest = predictor.score

    def score(matrix: Any) -> Any:
        if (matrix == 4999.0).any():
            raise ValueError("too far")
        return honest(matrix)

    monkeypatch.setattr(type(predictor), "score", lambda _, matrix: score(matrix))

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            good = await left(client, flight())
            bad = await left(client, flight(distance_miles=4999.0))
        async with at_work(office) as client:
            assert (await ended(client, good))["state"] == "succeeded"
            told = await ended(client, bad)
            assert told["state"] == "failed"
            assert told["reason"].startswith("version-failed: ")
            assert (await client.get(told["result"])).status_code == 500

            async def shipped() -> bool:
                return office.log().count() == 2

            await until(shipped)
        rows = office.log().query("SELECT request_id, outcome, error FROM predictions ORDER BY outcome")
        assert [(row["request_id"], row["outcome"]) for row in rows] == [(good, "answered"), (bad, "failed")]
        assert "too far" in rows[1]["error"]

    asyncio.run(scenario())


@pytest.mark.parametrize("crash_at", ["append_once", "finish"])
def test_log_rows_are_shipped_once_wherever_shipping_stops(
    office: Office, monkeypatch: pytest.MonkeyPatch, crash_at: str
) -> None:
    """Numbered and not written, or written and not known to be: the next one finds out."""

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            ids = [await left(client, flight(flight=number)) for number in range(1, 4)]
        jobs, parts = Jobs(office.engine), office.open()
        for _ in ids:
            claimed = jobs.claim(MODEL, holder="r", lease_seconds=9, limit=1, now=SystemClock().now())
            jobs.end(await parts.worker.answering.answer(MODEL, claimed), SystemClock().now())

    asyncio.run(scenario())
    with monkeypatch.context() as broken:
        where: Any = shipping_jobs if crash_at == "append_once" else JobLog
        broken.setattr(where, crash_at, _crash)
        with pytest.raises(Unavailable):
            _ship(office)
    assert JobLog(office.engine).under_way() == 1
    assert _ship(office) == (3 if crash_at == "append_once" else 0)
    assert office.log().count() == 3
    assert not JobLog(office.engine).waiting()
    assert _ship(office) == 0


def _crash(*_: object) -> None:
    raise Unavailable("killed here")


def _ship(office: Office) -> int:
    return ship_job_rows(office.chosen.prediction_log, JobLog(office.engine), Leases(office.engine))


def test_one_replica_ships_at_a_time(office: Office, each_time: Callable[[Engine], None]) -> None:
    """Another one leaves it to the first."""

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            await left(client, flight())
        jobs, parts = Jobs(office.engine), office.open()
        claimed = jobs.claim(MODEL, holder="r", lease_seconds=9, limit=1, now=SystemClock().now())
        jobs.end(await parts.worker.answering.answer(MODEL, claimed), SystemClock().now())

    asyncio.run(scenario())
    with Leases(office.engine).hold(shipping_jobs.LEASE):
        assert _ship(office) == 0
    each_time(office.engine)
    assert office.log().count() == 1


@pytest.fixture
def each_time(office: Office) -> Callable[[Engine], None]:
    """Return what ships on four threads at once."""

    def ship(_: Engine) -> None:
        threads = [threading.Thread(target=_ship, args=(office,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return ship
