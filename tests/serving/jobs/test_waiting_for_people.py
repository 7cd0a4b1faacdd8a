"""A job may wait for people: its answer is held back until each unsure row of it has a person's word."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from lifecycle.plan import TrafficPlan
from lifecycle.review_policy import ReviewPolicy
from serving.reviewing.intake import Intake
from stores.ledger.answering import Answered, Answering
from stores.ledger.opening import open_ledger
from stores.ledger.reviews import Reviews
from stores.settings import Settings
from tests.serving.conftest import MODEL, Bench, flight
from tests.serving.jobs.conftest import LATER, PREDICT, Office, at_work, ended, left, until
from tests.stores.ledger.asked import asked as a_review

WAIT = {"x-holdfast-review": "wait"}
INFER = f"/v2/models/{MODEL}/infer"
SECONDS_PER_HOUR = 3600
Make = Callable[..., Office]


@pytest.fixture
def reviewed(make_bench: Callable[..., Bench], tmp_path: Path) -> Iterator[Make]:
    """Return a maker of offices where people look at what is within so much of the threshold."""
    engine = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")

    def make(within: float, most_open: int = 1000) -> Office:
        review = ReviewPolicy(
            unsure_within=within,
            unsure_decided_by=(),
            audit_share=0,
            most_open=most_open,
            answer_within_hours=1,
            claim_minutes=5,
            escalate_to="on-call",
        )
        bench = make_bench(review=review)
        bench.models.put(bench.stand_up(TrafficPlan(MODEL, revision=2, champion="2", previous="1")))
        served = bench.models.find(MODEL)
        assert served is not None
        intake = Intake(Reviews(engine), lambda _: served.policy, lambda: datetime.now(UTC))
        chosen = Settings(home=tmp_path / "home", webhook_allow_private=True)
        return Office(bench, chosen, engine, on_rows=intake.enter)

    yield make
    engine.dispose()


def say(office: Office, label: int, row: int) -> None:
    """Say how a row of the only job is."""
    names = sorted(one.prediction_id for one in Reviews(office.engine).all())
    said = Answered(names[row], label, "on-call", "seen", datetime.now(UTC))
    Answering(office.engine).answer(said, datetime.now(UTC))


async def told_of(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    """Return what is said of a job."""
    told: dict[str, Any] = (await client.get(f"/v2/jobs/{job_id}")).json()
    return told


async def until_waiting(client: httpx.AsyncClient, job_id: str, rows: int) -> None:
    """Wait until a job waits for so many words."""

    async def waits() -> bool:
        return bool((await told_of(client, job_id))["reason"] == f"{rows} of its answers wait for people")

    await until(waits)


def test_job_is_answered_once_people_have_spoken_of_every_unsure_row(reviewed: Make) -> None:
    """Each row says what they said; the rows are in the log once, and were there while it waited."""
    office = reviewed(1.0)

    async def scenario() -> None:
        async with at_work(office) as client:
            job_id = await left(client, flight(), flight(flight=7), headers=WAIT)
            await until_waiting(client, job_id, 2)
            told = await told_of(client, job_id)
            assert (told["state"], "result" in told) == ("waiting", False)
            assert (await client.get(f"/v2/jobs/{job_id}/result")).status_code == 409

            async def asked() -> bool:
                return len(Reviews(office.engine).open()) == 2

            await until(asked)
            say(office, 1, 0)
            await until_waiting(client, job_id, 1)
            say(office, 0, 1)
            told = await ended(client, job_id)
            assert (told["state"], told["attempts"]) == ("succeeded", 1)
            result = (await client.get(told["result"])).json()
            assert result["reviewed"] == [1, 0]
            decision = office.bench.models.serving()[0].policy.decision
            assert [one["decision"] for one in result["predictions"]] == [decision.positive, decision.negative]
            assert [one["provisional"] for one in result["predictions"]] == [False, False]
            names = [one["prediction_id"] for one in result["predictions"]]
            assert names == sorted(one.prediction_id for one in Reviews(office.engine).all())
        assert office.log().count() == 2

    asyncio.run(scenario())


def test_job_of_which_nobody_says_anything_ends_as_provisional(reviewed: Make) -> None:
    """When its time is over: that is more than nothing."""
    office = reviewed(1.0)

    async def scenario() -> None:
        async with at_work(office, longest_wait_hours=4 / SECONDS_PER_HOUR) as client:
            job_id = await left(client, flight(), headers=WAIT)
            await until_waiting(client, job_id, 1)
            told = await ended(client, job_id)
            assert (told["state"], told["reason"]) == ("succeeded", None)
            result = (await client.get(told["result"])).json()
            assert [one["provisional"] for one in result["predictions"]] == [True]
            assert "reviewed" not in result

    asyncio.run(scenario())


@pytest.mark.parametrize(("within", "headers"), [(1.0, {}), (0.0, WAIT)])
def test_job_without_the_wish_or_without_an_unsure_row_waits_for_nobody(
    reviewed: Make, within: float, headers: dict[str, str]
) -> None:
    """It is answered as any other."""
    office = reviewed(within)

    async def scenario() -> None:
        async with at_work(office) as client:
            told = await ended(client, await left(client, flight(), headers=headers))
            assert told["state"] == "succeeded"
            result = (await client.get(told["result"])).json()
            assert [one["provisional"] for one in result["predictions"]] == [within == 1.0]

    asyncio.run(scenario())


def test_job_whose_version_is_gone_meanwhile_ends_as_it_was_answered(reviewed: Make) -> None:
    """What people said is at the predictions' own places then."""
    office = reviewed(1.0)

    async def scenario() -> None:
        async with at_work(office) as client:
            job_id = await left(client, flight(), headers=WAIT)

            async def asked() -> bool:
                return len(Reviews(office.engine).open()) == 1

            await until(asked)
            await until_waiting(client, job_id, 1)
            office.bench.models.put(office.bench.stand_up(TrafficPlan(MODEL, revision=4, champion="1", previous=None)))
            say(office, 1, 0)
            told = await ended(client, job_id)
            assert (told["state"], told["version"]) == ("succeeded", "2")
            assert (await client.get(told["result"])).json()["predictions"][0]["provisional"] is True

    asyncio.run(scenario())


def test_tensors_say_what_people_said_as_a_parameter(reviewed: Make) -> None:
    """By row, as the others do."""
    office = reviewed(1.0)
    tensors = [
        {"name": name, "shape": [1], "datatype": kind, "data": [value]}
        for (name, value), kind in zip(flight().items(), ("BYTES", "INT64", *["BYTES"] * 5, "FP64"), strict=True)
    ]

    async def scenario() -> None:
        async with at_work(office) as client:
            answer = await client.post(INFER, json={"inputs": tensors}, headers=LATER | WAIT)
            job_id = answer.json()["id"]

            async def asked() -> bool:
                return len(Reviews(office.engine).open()) == 1

            await until(asked)
            await until_waiting(client, job_id, 1)
            say(office, 0, 0)
            told = await ended(client, job_id)
            said = (await client.get(told["result"])).json()["parameters"]
            assert (said["reviewed"], "provisional" in said) == ("0", False)

    asyncio.run(scenario())


def test_wish_that_nobody_knows_is_refused(reviewed: Make) -> None:
    """With what is allowed."""
    office = reviewed(1.0)

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            headers = LATER | {"x-holdfast-review": "yes"}
            refused = await client.post(PREDICT, json={"rows": [flight()]}, headers=headers)
            assert (refused.status_code, refused.json()["title"]) == (400, "malformed request")
            assert "X-Holdfast-Review is 'yes'; allowed: wait" in refused.json()["detail"]
            refused = await client.post(PREDICT, json={"rows": [flight()]}, headers=WAIT)
            assert (refused.status_code, refused.json()["title"]) == (400, "review without job")
            assert 'id="problem-review-without-job"' in (await client.get("/docs")).text

    asyncio.run(scenario())


def test_job_s_rows_are_asked_about_however_much_waits(reviewed: Make) -> None:
    """It would wait for nothing otherwise. The queue of jobs bounds how many they are."""
    office = reviewed(1.0, most_open=1)
    Reviews(office.engine).enter([a_review("full", model=MODEL)])

    async def scenario() -> None:
        async with at_work(office) as client:
            await ended(client, await left(client, flight(flight=9)))
            job_id = await left(client, flight(), flight(flight=7), headers=WAIT)
            await until_waiting(client, job_id, 2)
            waiting = Reviews(office.engine).open()
            mine = [one for one in waiting if one.request_id == job_id]
            assert (len(waiting), len(mine)) == (3, 2)
            for one in mine:
                said = Answered(one.prediction_id, 1, "on-call", "seen", datetime.now(UTC))
                Answering(office.engine).answer(said, datetime.now(UTC))
            told = await ended(client, job_id)
            assert (await client.get(told["result"])).json()["reviewed"] == [1, 1]

    asyncio.run(scenario())
