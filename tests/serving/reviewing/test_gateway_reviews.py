"""A whole gateway: an unsure answer is in the queue seconds later, and a person's word comes back."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from lifecycle.plan import TrafficPlan
from serving.gateway import Gateway, open_gateway
from stores.ledger.labels import PeoplesLabels
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.review_schema import reviews
from stores.settings import Settings
from tests.serving.conftest import MODEL, POLICIES, flight, write_version
from tests.serving.test_gateway_start import shut_down

pytestmark = [
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]

ONCALL = {"X-Holdfast-Actor": "on-call"}
PATIENCE_SECONDS = 60.0


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    """Return settings under which version 1 is champion and every answer is unsure."""
    chosen = Settings(home=tmp_path / "home", policies=tmp_path / "policies")
    chosen.policies.mkdir()
    shipped = (POLICIES / f"{MODEL}.yaml").read_text(encoding="utf-8")
    policy = shipped.replace("unsure_within: 0.005", "unsure_within: 1")
    assert policy != shipped
    (chosen.policies / f"{MODEL}.yaml").write_text(policy, encoding="utf-8")
    write_version(chosen.versions, "1")
    engine = open_ledger(chosen.ledger_address)
    Plans(engine).write(TrafficPlan(MODEL, revision=1, champion="1", previous=None), datetime(2013, 1, 1, tzinfo=UTC))
    engine.dispose()
    return chosen


async def reviewed(gateway: Gateway) -> dict[str, object]:
    """Ask, wait until the answer is in the queue, say how it is, and return what the caller sees then."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway.application), base_url="http://g") as client:
        said = (await client.post(f"/v2/models/{MODEL}/predict", json={"rows": [flight()]})).json()
        (prediction,) = said["predictions"]
        assert prediction["provisional"] is True
        place = f"/v2/predictions/{prediction['prediction_id']}/review"
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await client.get(place)).status_code != 200:  # noqa: ASYNC110 - another process would ask as well
                await asyncio.sleep(0.1)
        taken = (await client.post("/v2/reviews/next", headers=ONCALL, json={})).json()["review"]
        assert taken["prediction_id"] == prediction["prediction_id"]
        assert taken["request"]["tail_number"] == "N14228"
        word = {"label": 1, "because": "it is at the gate"}
        await client.post(f"/v2/reviews/{taken['prediction_id']}", headers=ONCALL, json=word)
        seen: dict[str, object] = (await client.get(place)).json()
        return seen


def test_word_of_a_person_comes_back_to_the_caller_of_an_unsure_answer(chosen: Settings) -> None:
    """And is a label of the review queue, which trainings weigh as a person's."""
    gateway = open_gateway(chosen, "replica-a")
    try:
        seen = asyncio.run(reviewed(gateway))
    finally:
        shut_down(gateway)
    assert (seen["state"], seen["answer"], seen["answered_by"]) == ("answered", 1, "on-call")
    (label,) = PeoplesLabels(open_ledger(chosen.ledger_address)).all(MODEL)
    assert (label.source, label.label, label.example_id) == ("review", 1, "2013-04-01T14:30Z/UA/1545/EWR/IAH")


def test_answers_go_out_while_the_queue_is_out_of_reach(chosen: Settings) -> None:
    """A review is a 503 then, and nobody who asks for a prediction notices."""
    gateway = open_gateway(chosen, "replica-a")

    async def asked() -> tuple[int, int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway.application), base_url="http://g") as client:
            answer = await client.post(f"/v2/models/{MODEL}/predict", json={"rows": [flight()]})
            name = answer.json()["predictions"][0]["prediction_id"]
            return answer.status_code, (await client.get(f"/v2/predictions/{name}/review")).status_code

    try:
        with open_ledger(chosen.ledger_address).begin() as connection:
            reviews.drop(connection)
        assert asyncio.run(asked()) == (200, 503)
    finally:
        shut_down(gateway)
