"""Jobs over HTTP, in process: left, polled, fetched, cancelled, and what is in the log."""

import asyncio
from typing import Any

import pytest

from lifecycle.plan import TrafficPlan
from tests.serving.conftest import MODEL, flight
from tests.serving.jobs.conftest import LATER, PREDICT, Office, at_work, ended, left, until

PROMOTED = TrafficPlan(MODEL, revision=3, champion="1", previous="2")


def test_a_job_is_answered_as_the_request_would_have_been(office: Office) -> None:
    """202 says where to look; what is fetched there is the answer to the same request, its log rows under the job."""

    async def scenario() -> None:
        async with at_work(office) as client:
            rows = [flight(), flight(flight=7, tail_number="N00000")]
            at_once = (await client.post(PREDICT, json={"rows": rows})).json()
            answer = await client.post(PREDICT, json={"rows": rows}, headers=LATER | {"x-request-id": "mine"})
            assert answer.status_code == 202
            assert answer.headers["preference-applied"] == "respond-async"
            assert answer.headers["retry-after"] == "1"
            where = answer.headers["location"]
            assert where == answer.json()["location"] == f"/v2/jobs/{answer.json()['id']}"
            told = await ended(client, answer.json()["id"])
            assert (told["state"], told["version"], told["priority"]) == ("succeeded", "2", "standard")
            result = await client.get(told["result"])
            assert result.status_code == 200
            later = result.json()
            assert [one["probability"] for one in later["predictions"]] == [
                one["probability"] for one in at_once["predictions"]
            ]
            assert later["version"] == "2"

            async def logged() -> bool:
                return office.log().count() == 2

            await until(logged)
            found = office.log().query("SELECT prediction_id, request_id, arm, shown FROM predictions ORDER BY row")
            assert [row["prediction_id"] for row in found] == [one["prediction_id"] for one in later["predictions"]]
            assert {(row["request_id"], row["arm"], row["shown"]) for row in found} == {(told["id"], "named", True)}

    asyncio.run(scenario())


def test_a_job_keeps_the_version_it_was_left_for(office: Office) -> None:
    """Promoted in between, the version it was left for answers as the way back."""

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            job_id = await left(client, flight())
        office.bench.models.put(office.bench.stand_up(PROMOTED))
        async with at_work(office) as client:
            told = await ended(client, job_id)
            assert (told["state"], told["version"]) == ("succeeded", "2")
            assert (await client.get(told["result"])).json()["version"] == "2"

    asyncio.run(scenario())


def test_a_job_whose_version_is_gone_fails_and_says_so(office: Office) -> None:
    """Never another version answers."""

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            job_id = await left(client, flight())
        office.bench.models.put(office.bench.stand_up(TrafficPlan(MODEL, revision=4, champion="1", previous=None)))
        async with at_work(office) as client:
            told = await ended(client, job_id)
            assert told["state"] == "failed"
            assert "for version 2 of flight_delay, which does not stand since plan revision 4" in told["reason"]
            result = await client.get(told["result"])
            assert (result.status_code, result.json()["title"]) == (410, "version gone")

    asyncio.run(scenario())


def test_a_job_waits_for_a_plan_that_this_replica_does_not_follow_yet(office: Office) -> None:
    """Another replica was faster to follow: the job is put back, not failed."""

    async def scenario() -> None:
        office.bench.models.put(office.bench.stand_up(TrafficPlan(MODEL, revision=4, champion="1", previous=None)))
        async with at_work(office, working=False) as client:
            job_id = await left(client, flight())
        office.bench.models.put(office.bench.stand_up(TrafficPlan(MODEL, revision=3, champion="2", previous=None)))
        async with at_work(office, retry_seconds=0.1) as client:

            async def put_back() -> bool:
                told = (await client.get(f"/v2/jobs/{job_id}")).json()
                return bool(told["reason"] == "this replica does not follow plan revision 4 yet")

            await until(put_back)
            office.bench.models.put(office.bench.stand_up(TrafficPlan(MODEL, revision=4, champion="1", previous=None)))
            office.change(retry_seconds=0.1)
            assert (await ended(client, job_id))["state"] == "succeeded"

    asyncio.run(scenario())


def test_jobs_wait_while_the_feature_store_is_away_or_the_answers_are_stopped(office: Office) -> None:
    """Neither costs an attempt, and both end well once it is over."""

    async def scenario() -> None:
        office.bench.shelf.away = True
        async with at_work(office, retry_seconds=0.05, attempts=1) as client:
            job_id = await left(client, flight())
            for reason, over in (("cannot be reached", _shelf_back), ("answers of version 2 are stopped", _started)):

                async def waits(reason: str = reason) -> bool:
                    told = (await client.get(f"/v2/jobs/{job_id}")).json()
                    return reason in (told["reason"] or "")

                await until(waits)
                over(office)
            told = await ended(client, job_id)
            assert (told["state"], told["attempts"]) == ("succeeded", 1)

    asyncio.run(scenario())


def _shelf_back(office: Office) -> None:
    office.stopped.add("2")
    office.bench.shelf.away = False


def _started(office: Office) -> None:
    office.stopped.clear()


def test_a_cancelled_job_is_not_answered(office: Office) -> None:
    """Its state says so, it has no result, and cancelling again is no error."""

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            job_id = await left(client, flight())
            early = await client.get(f"/v2/jobs/{job_id}/result")
            assert (early.status_code, early.headers["retry-after"]) == (409, "1")
            for _ in range(2):
                cancelled = await client.delete(f"/v2/jobs/{job_id}")
                assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
            assert (await client.get(f"/v2/jobs/{job_id}/result")).json()["title"] == "no result"
        async with at_work(office) as client:
            other = await left(client, flight())
            assert (await ended(client, other))["state"] == "succeeded"
            assert (await ended(client, job_id))["state"] == "cancelled"
            refused = await client.delete(f"/v2/jobs/{other}")
            assert (refused.status_code, refused.json()["title"]) == (409, "job ended")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("path", "body", "headers", "refusal"),
    [
        (PREDICT, {"rows": [flight(distance_miles=-1)]}, {}, (422, "contract violation")),
        (PREDICT, {"rows": []}, {}, (422, "contract violation")),
        (f"/v2/models/{MODEL}/versions/9/predict", {"rows": [flight()]}, {}, (404, "unknown version")),
        (PREDICT, {"rows": [flight()]}, {"x-holdfast-webhook": "ftp://example.org/"}, (422, "webhook refused")),
        (PREDICT, {"rows": [flight()]}, {"x-holdfast-webhook": "http://"}, (422, "webhook refused")),
    ],
)
def test_a_request_that_cannot_be_answered_is_refused_at_once(
    office: Office, path: str, body: Any, headers: dict[str, str], refusal: tuple[int, str]
) -> None:
    """Nobody comes back later to hear of a mistake that can be seen now."""

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            answer = await client.post(path, json=body, headers=LATER | headers)
            assert (answer.status_code, answer.json()["title"]) == refusal

    asyncio.run(scenario())


def test_more_jobs_than_may_wait_are_told_to_come_again(office: Office) -> None:
    """503 with Retry-After, and the limit in words."""

    async def scenario() -> None:
        async with at_work(office, working=False, max_waiting=2) as client:
            answers = await asyncio.gather(
                *(client.post(PREDICT, json={"rows": [flight()]}, headers=LATER) for _ in range(3))
            )
            assert sorted(answer.status_code for answer in answers) == [202, 202, 503]
            (refused,) = [answer for answer in answers if answer.status_code == 503]
            assert "2 jobs of flight_delay are open, which is the limit" in refused.json()["detail"]
            assert refused.headers["retry-after"] == "1"

    asyncio.run(scenario())


def test_jobs_that_nobody_has_and_paths_and_methods_that_are_not_there(office: Office) -> None:
    """404 and 405, as everywhere."""

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            unknown = await client.get("/v2/jobs/nothing")
            assert (unknown.status_code, unknown.json()["title"]) == (404, "unknown job")
            assert (await client.get("/v2/jobs/a/b/c")).status_code == 404
            wrong = await client.post("/v2/jobs/nothing")
            assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, DELETE")

    asyncio.run(scenario())


def test_a_request_that_is_sent_again_with_its_key_leaves_one_job(office: Office) -> None:
    """As the proxy does for a replica that died; another body under the same key is another job."""

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            keyed = {"idempotency-key": "k"}
            first, again = [await left(client, flight(), headers=keyed) for _ in range(2)]
            assert first == again
            assert await left(client, flight(flight=2), headers=keyed) != first
            assert await left(client, flight()) != first

    asyncio.run(scenario())


def test_without_the_ledger_jobs_are_refused_and_requests_answered(office: Office) -> None:
    """503 with Retry-After for whoever leaves or looks for a job; nobody else notices."""

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            office.engine.dispose()
            database = office.chosen.home / "ledger.db"
            for file in database.parent.glob("ledger.db*"):
                file.unlink()
            database.mkdir()
            for answer in (
                await client.post(PREDICT, json={"rows": [flight()]}, headers=LATER),
                await client.get("/v2/jobs/any"),
                await client.delete("/v2/jobs/any"),
            ):
                assert (answer.status_code, answer.json()["title"]) == (503, "unavailable")
                assert answer.headers["retry-after"] == "1"
            assert (await client.post(PREDICT, json={"rows": [flight()]})).status_code == 200

    asyncio.run(scenario())


@pytest.mark.parametrize("said", ["respond-async", "wait=5, Respond-Async", "respond-async; x=1, return=minimal"])
def test_the_preference_is_read_as_rfc_7240_has_it(office: Office, said: str) -> None:
    """Any case, any order, with parameters."""

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            answer = await client.post(PREDICT, json={"rows": [flight()]}, headers={"prefer": said})
            assert answer.status_code == 202

    asyncio.run(scenario())


@pytest.mark.parametrize("said", ["return=minimal", "respond-asynchronously", "wait=10"])
def test_other_preferences_change_nothing(office: Office, said: str) -> None:
    """They are answered at once."""

    async def scenario() -> None:
        async with at_work(office, working=False) as client:
            answer = await client.post(PREDICT, json={"rows": [flight()]}, headers={"prefer": said})
            assert answer.status_code == 200

    asyncio.run(scenario())
