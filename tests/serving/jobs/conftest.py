"""A gateway's application with jobs: a real ledger, real workers, and versions in process."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from sqlalchemy import Engine

from lifecycle.jobs_policy import JobsPolicy
from lifecycle.plan import TrafficPlan
from serving.jobs.opening import JobParts, open_jobs
from serving.jobs.row_shipping import open_row_shipping
from serving.models import ServedModel
from serving.routes import Application
from stores.ledger.opening import open_ledger
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings
from stores.signing_secret import master_secrets, tenant_secrets
from tests.serving.conftest import MODEL, Bench, Row
from tests.serving.jobs.receiver import Receiver, receiving

PREDICT = f"/v2/models/{MODEL}/predict"
LATER = {"prefer": "respond-async"}


@dataclass
class Office:
    """A bench with jobs; `stopped` names versions whose answers are stopped, `on_rows` is shown shipped rows."""

    bench: Bench
    chosen: Settings
    engine: Engine
    stopped: set[str] = field(default_factory=set)
    parts: JobParts | None = None
    on_rows: Callable[[pa.Table], None] = lambda _: None

    def open(self, **policy: Any) -> JobParts:
        """Return a replica's part in jobs, with a changed policy of jobs."""
        self.change(**policy)

        def stopped(_: str, version: str) -> bool:
            return version in self.stopped

        return open_jobs(self.chosen, self.engine, "replica-a", self.bench.models, stopped=stopped)

    def change(self, **policy: Any) -> None:
        """Change the policy of jobs that the model goes by."""
        served = self.bench.models.find(MODEL)
        assert served is not None
        jobs = JobsPolicy.model_validate(served.policy.jobs.model_dump() | {"time_share": 1.0} | policy)
        self.bench.models.put(replaced(served, jobs))

    def log(self) -> PredictionLog:
        """Return the prediction log that job rows are shipped into."""
        return PredictionLog(self.chosen.prediction_log)


def replaced(served: ServedModel, jobs: JobsPolicy) -> ServedModel:
    """Return a served model with another policy of jobs."""
    return replace(served, policy=served.policy.model_copy(update={"jobs": jobs}))


@asynccontextmanager
async def at_work(office: Office, *, working: bool = True, **policy: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Run an office for a block, or only its desk; gives a client of it."""
    parts = office.parts = office.open(**policy)
    shipping = open_row_shipping(office.engine, office.chosen.prediction_log, office.on_rows)
    if working:
        parts.start()
        shipping.start()
    else:
        parts.desk.enqueuing.start()
    transport = httpx.ASGITransport(Application(office.bench.models, jobs=parts.desk))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            yield client
    finally:
        if working:
            await asyncio.to_thread(parts.stop)
            await asyncio.to_thread(shipping.stop)
        else:
            parts.desk.enqueuing.stop()


async def left(client: httpx.AsyncClient, *rows: Row, **more: Any) -> str:
    """Leave a job and return its id."""
    headers = LATER | more.pop("headers", {})
    answer = await client.post(more.pop("path", PREDICT), json={"rows": list(rows)}, headers=headers, **more)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not await true():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.02)


async def ended(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    """Wait until a job has ended, and return what is said of it."""
    told: dict[str, Any] = {}

    async def over() -> bool:
        told.update((await client.get(f"/v2/jobs/{job_id}")).json())
        return told["state"] in {"succeeded", "failed", "cancelled"}

    await until(over)
    return told


@pytest.fixture
def office(make_bench: Callable[..., Bench], tmp_path: Path) -> Iterator[Office]:
    """An application that serves version 2, with version 1 as the way back, and takes jobs."""
    bench = make_bench()
    bench.models.put(bench.stand_up(TrafficPlan(MODEL, revision=2, champion="2", previous="1")))
    chosen = Settings(home=tmp_path / "home", webhook_allow_private=True)
    engine = open_ledger(chosen.ledger_address)
    yield Office(bench, chosen, engine)
    engine.dispose()


@pytest.fixture
def receiver(office: Office) -> Iterator[Receiver]:
    """A receiver that knows the secret of those who need not say who they are."""
    (secret,) = tenant_secrets(master_secrets(office.chosen), None)
    with receiving(Receiver(secret)) as running:
        yield running
