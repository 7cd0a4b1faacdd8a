"""Messages to webhooks: signed, tried again, given up, revived; and only where they may go."""

import asyncio
import json

import pytest

from lifecycle.jobs import DeliveryState
from stores.clock import SystemClock
from stores.ledger.deliveries import Deliveries
from tests.serving.conftest import flight
from tests.serving.jobs.conftest import LATER, PREDICT, Office, at_work, ended, left, until
from tests.serving.jobs.receiver import Receiver

QUICK = {"timeout_seconds": 5, "attempts": 3, "first_retry_seconds": 0.05, "longest_retry_seconds": 0.05}


def test_a_receiver_is_told_once_and_can_check_who_says_so(office: Office, receiver: Receiver) -> None:
    """Signed in the Standard Webhooks form, with the answer in the message, under an id of the job."""

    async def scenario() -> None:
        async with at_work(office) as client:
            job_id = await left(client, flight(), headers={"x-holdfast-webhook": receiver.url})
            told = await ended(client, job_id)
            await _delivered(office, job_id)
            ((name, said),) = receiver.came
            assert name == f"job_{job_id}"
            assert (said["type"], said["timestamp"]) == ("job.succeeded", told["ended_at"])
            assert said["data"]["answer"] == (await client.get(told["result"])).json()
            assert said["data"]["id"] == job_id
            assert receiver.hosts == [f"127.0.0.1:{receiver.port}"]
            again = (await client.get(f"/v2/jobs/{job_id}")).json()["webhook"]
            assert again == {"url": receiver.url, "state": "delivered", "attempts": 1, "last_error": None}

    asyncio.run(scenario())


def test_a_message_that_is_not_taken_is_sent_again_the_same(office: Office, receiver: Receiver) -> None:
    """Redirects are not followed; id and bytes are those of the first time."""
    receiver.answers = [500, 302]

    async def scenario() -> None:
        async with at_work(office, webhook=QUICK) as client:
            job_id = await left(client, flight(), headers={"x-holdfast-webhook": receiver.url})
            await _delivered(office, job_id)
            assert len(receiver.came) == 3
            assert len(set(receiver.bodies)) == 1
            assert {name for name, _ in receiver.came} == {f"job_{job_id}"}

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("answers", "attempts", "error"),
    [([500] * 3, 3, "the receiver answered 500"), ([410], 1, "the receiver answered 410")],
)
def test_a_message_that_nobody_takes_is_dead_until_a_person_has_it_sent_again(
    office: Office, receiver: Receiver, answers: list[int], attempts: int, error: str
) -> None:
    """After as many attempts as the policy has, or at once when the receiver says that it is gone."""
    receiver.answers = answers

    async def scenario() -> None:
        kept = Deliveries(office.engine)
        async with at_work(office, webhook=QUICK) as client:
            job_id = await left(client, flight(), headers={"x-holdfast-webhook": receiver.url})

            async def dead() -> bool:
                return bool(kept.dead())

            await until(dead)
            (message,) = kept.dead()
            assert (message.job_id, message.attempts, message.last_error) == (job_id, attempts, error)
            kept.retry(job_id, SystemClock().now())
            await _delivered(office, job_id)

    asyncio.run(scenario())


def test_a_job_that_failed_is_told_too(office: Office, receiver: Receiver) -> None:
    """With the problem in place of an answer."""

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            job_id = await left(client, flight(), headers={"x-holdfast-webhook": receiver.url})
        async with at_work(office, longest_wait_hours=1e-9):
            await _delivered(office, job_id)
            ((_, said),) = receiver.came
            assert said["type"] == "job.failed"
            assert said["data"]["answer"]["title"] == "waited too long"
            assert said["data"]["state"] == "failed"

    asyncio.run(scenario())


def test_private_addresses_are_refused_where_the_settings_do_not_allow_them(office: Office) -> None:
    """By number, by name, and without TLS."""
    office.chosen = office.chosen.model_copy(update={"webhook_allow_private": False})

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            for url in (
                "https://127.0.0.1/",
                "https://localhost/",
                "http://93.184.216.34/",
                "https://[::ffff:10.0.0.1]/",
            ):
                answer = await client.post(
                    PREDICT, json={"rows": [flight()]}, headers=LATER | {"x-holdfast-webhook": url}
                )
                assert (answer.status_code, answer.json()["title"]) == (422, "webhook refused"), url

    asyncio.run(scenario())


def test_a_name_that_leads_to_a_private_address_later_gets_no_message(office: Office, receiver: Receiver) -> None:
    """What was allowed when the job was left is checked again for each message: nothing reaches the receiver."""

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            job_id = await left(client, flight(), headers={"x-holdfast-webhook": f"https://localhost:{receiver.port}/"})
        office.chosen = office.chosen.model_copy(update={"webhook_allow_private": False})
        async with at_work(office, webhook=QUICK | {"attempts": 1}):
            kept = Deliveries(office.engine)

            async def dead() -> bool:
                return bool(kept.dead())

            await until(dead)
            (message,) = kept.dead()
            assert message.job_id == job_id
            assert "which is private" in str(message.last_error)
            assert receiver.came == []

    asyncio.run(scenario())


def test_the_figures_count_jobs_and_messages(office: Office, receiver: Receiver) -> None:
    """By what became of them."""
    receiver.answers = [500]

    async def scenario() -> None:
        async with at_work(office, webhook=QUICK) as client:
            job_id = await left(client, flight(), headers={"x-holdfast-webhook": receiver.url})
            await _delivered(office, job_id)
        assert office.parts is not None
        lines = {(line.name, *line.labels): line.values[0] for line in office.parts.meter.counters().lines()}
        assert lines == {
            ("holdfast_jobs_ended_total", "flight_delay", "succeeded"): 1,
            ("holdfast_job_deliveries_total", "flight_delay", "put_back"): 1,
            ("holdfast_job_deliveries_total", "flight_delay", "delivered"): 1,
        }

    asyncio.run(scenario())


async def _delivered(office: Office, job_id: str) -> None:
    kept = Deliveries(office.engine)

    async def taken() -> bool:
        message = kept.of(job_id)
        return message is not None and message.state is DeliveryState.DELIVERED

    await until(taken)


def test_the_message_is_small_json(office: Office, receiver: Receiver) -> None:
    """A large answer is left out of it; its place says where to fetch it."""

    async def scenario() -> None:
        async with at_work(office) as client:
            rows = [flight(flight=number) for number in range(1, 300)]
            job_id = await left(client, *rows, headers={"x-holdfast-webhook": receiver.url})
            await _delivered(office, job_id)
            (body,) = receiver.bodies
            said = json.loads(body)["data"]
            assert "answer" not in said
            assert len((await client.get(said["result"])).json()["predictions"]) == 299

    asyncio.run(scenario())
