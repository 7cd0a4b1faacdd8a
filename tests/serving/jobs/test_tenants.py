"""A job is there for its own tenant alone."""

import asyncio
import json
from dataclasses import replace

import numpy as np
import pytest

from lifecycle.prices_policy import Budget, BudgetsPolicy
from lifecycle.priority import Priority
from serving.budgets.gate import open_gate
from serving.budgets.spending import Spending
from serving.caller import ANYBODY, Caller
from serving.dialects import JsonRows
from serving.jobs.desk import JobDesk
from serving.predicting import Request
from serving.problem import Refused
from stores.ledger.spending import SpendingRecords
from tests.serving.conftest import MODEL, flight
from tests.serving.jobs.conftest import Office, at_work, until

OWNER = Caller("a", Priority.INTERACTIVE)


def test_another_tenant_s_job_is_not_there(office: Office) -> None:
    """GET, its result and DELETE say the same as for a job that never was, and change nothing."""

    async def scenario() -> None:
        async with at_work(office, working=False):
            assert office.parts is not None
            desk = office.parts.desk
            body = json.dumps({"rows": [flight()]}).encode()
            left = await desk.later(Request(JsonRows(), MODEL, None, {}, OWNER, body))
            job_id = json.loads(left.body)["id"]
            for stranger in (Caller("b"), Caller(""), ANYBODY):
                for method, parts in (("GET", [job_id]), ("GET", [job_id, "result"]), ("DELETE", [job_id])):
                    assert await _refusal(desk, method, parts, stranger) == await _refusal(
                        desk, method, ["0" * len(job_id), *parts[1:]], stranger
                    )
            told = json.loads((await desk.answer("GET", "", [job_id], OWNER)).body)
            assert (told["state"], told["priority"]) == ("waiting", "interactive")

    asyncio.run(scenario())


def test_a_tenant_s_job_is_logged_as_the_tenant_s(office: Office) -> None:
    """As its requests are."""

    async def scenario() -> None:
        async with at_work(office):
            assert office.parts is not None
            body = json.dumps({"rows": [flight()]}).encode()
            await office.parts.desk.later(Request(JsonRows(), MODEL, None, {}, OWNER, body))

            async def logged() -> bool:
                return office.log().count() == 1

            await until(logged)
            assert office.log().query("SELECT tenant FROM predictions") == [{"tenant": "a"}]

    asyncio.run(scenario())


def test_a_tenant_whose_budget_is_spent_leaves_no_job(office: Office) -> None:
    """A job is answered by its version and no other, so there is nothing cheaper for it."""
    bench = office.bench
    ledger = SpendingRecords(office.engine)
    spending = Spending(ledger, "replica-a")
    budgets = BudgetsPolicy(tenants=(), everyone_else=Budget(per_day=1, then="downgrade"))
    served = bench.models.serving()[0]
    bench.models.put(replace(served, budget=open_gate(MODEL, budgets, spending, cheaper=True)))
    spending.add(MODEL, ["a"], np.array([1.0]))

    async def scenario() -> None:
        async with at_work(office, working=False):
            assert office.parts is not None
            body = json.dumps({"rows": [flight()]}).encode()
            with pytest.raises(Refused, match="Tenant 'a' has spent 1 with"):
                await office.parts.desk.later(Request(JsonRows(), MODEL, None, {}, OWNER, body))
            left = await office.parts.desk.later(Request(JsonRows(), MODEL, None, {}, Caller("b"), body))
            assert left.status == 202

    asyncio.run(scenario())


async def _refusal(desk: JobDesk, method: str, parts: list[str], caller: Caller) -> tuple[int, str]:
    with pytest.raises(Refused) as refused:
        await desk.answer(method, "", parts, caller)
    problem = refused.value.problem
    return problem.status, problem.detail.replace(parts[0], "ID")
