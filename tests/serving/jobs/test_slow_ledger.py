"""A ledger that hangs: who leaves a job or looks for one hears of it in time."""

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from stores.ledger.job_lists import JobLists
from tests.serving.conftest import MODEL, flight
from tests.serving.jobs.conftest import LATER, PREDICT, Office, at_work, ended


@pytest.fixture(autouse=True)
def _impatient_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("enqueuing", "desk"):
        monkeypatch.setattr(f"serving.jobs.{module}.LEDGER_SECONDS", 0.3)


def test_a_ledger_that_hangs_is_told_within_seconds_and_a_key_leaves_one_job(office: Office) -> None:
    """With the time to come back; what was in line and given up is not stored, nor twice what was being stored."""

    async def scenario() -> None:
        keyed: dict[str, Any] = {"json": {"rows": [flight()]}, "headers": LATER | {"idempotency-key": "once"}}
        async with at_work(office) as client:
            with closing(sqlite3.connect(office.chosen.home / "ledger.db", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                refused = [
                    await client.post(PREDICT, **keyed),
                    await client.post(PREDICT, json={"rows": [flight()]}, headers=LATER),
                    await client.get("/v2/jobs/any"),
                ]
                other.execute("ROLLBACK")
            assert [answer.status_code for answer in refused] == [503] * 3
            assert all(answer.headers["retry-after"] for answer in refused)
            assert all("the ledger did not answer within" in answer.json()["detail"] for answer in refused)
            taken = await client.post(PREDICT, **keyed)
            assert (await ended(client, taken.json()["id"]))["state"] == "succeeded"
            assert len(JobLists(office.engine).newest(10, MODEL)) == 1

    asyncio.run(scenario())
