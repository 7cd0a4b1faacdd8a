"""A client that retries everything and hangs up anywhere, while a replica is killed: it harms nobody."""

import asyncio
import json
import time
from collections import Counter
from datetime import UTC, datetime

import httpx
import numpy as np
import psutil
import pytest

from stores.prediction_log.shipper import adopt_orphans
from stores.prediction_log.table import PredictionLog
from tests.drills.flights import body, planes
from tests.drills.gateway import PATH, Gateway
from tests.drills.pestering import COME_BACK, Heard, Pest, Question
from tests.serving.conftest import flight
from tests.serving.test_server import until

SEED = 11
EACH = 200
"""Questions with a key, and as many without."""
NONSENSE = (b"", b"{", b'{"rows": []}', b'{"rows": [{"carrier": 7}]}', b"\xff\xfe\x00", b"[" * 2000)
NONSENSE_EVERY = 7
SECONDS = 8.0
KILL_AFTER_SECONDS = 3.0
CONNECTIONS = 24
EXPLAINED = {200, 400, 422}
MOST_GROWN_MB = 60.0
QUIET_REQUESTS = 100
SLOWER, STILL_QUICK_MS = 3.0, 50.0
"""After it, an answer in quiet may take so many times as long as before, and this is no worse than before."""
BACK_SECONDS = 120.0

pytestmark = [
    pytest.mark.timeout(300),
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]


def test_client_that_retries_everything_is_answered_once_and_leaves_no_trace(gateway: Gateway) -> None:
    """No status that is not explained, one row for each key, and the gateway is as before when it has gone."""
    before, quiet = gateway.replicas(), _quiet_ms(gateway)
    _pestered(gateway, "first", kill=True)
    (survivor,) = gateway.replicas().keys() & before.keys()
    # What is needed for the first time is loaded by now.
    megabytes = _megabytes(before[survivor])
    _pestered(gateway, "second", kill=False)
    grown, after = _megabytes(before[survivor]) - megabytes, _quiet_ms(gateway)
    print(  # noqa: T201 - the drill's result
        f"in quiet p90 {quiet:.1f} ms before and {after:.1f} ms after; the replica that lived had {megabytes:.0f} MB "
        f"after the first round, and {grown:.0f} MB more after the second"
    )
    assert grown <= MOST_GROWN_MB
    assert after <= max(SLOWER * quiet, STILL_QUICK_MS)


def _pestered(gateway: Gateway, turn: str, *, kill: bool) -> None:
    questions, pest = _questions(turn), Pest(gateway.address, PATH, CONNECTIONS, SEED)
    asyncio.run(_pester(gateway, pest, questions, kill=kill))
    heard = [one for answers in pest.heard.values() for one in answers]
    odd = [one for one in heard if one.status not in EXPLAINED and not _says_when(one)]
    assert odd == []
    finals = asyncio.run(_final_answers(pest, [one for one in questions if one.key is not None]))
    until(lambda: len(gateway.replicas()) == 2, BACK_SECONDS)
    gateway.followed(gateway.plan().revision, since=datetime.now(UTC))
    until(lambda: _at_hand(gateway) == 0.0, 60)
    _each_key_once(gateway, turn, pest, finals)
    print(f"the {turn} round: {dict(sorted(pest.fates.items()))}")  # noqa: T201 - as above


def _questions(turn: str) -> list[Question]:
    tails = iter(planes(4 * EACH))
    made = []
    for number in range(EACH):
        bad = NONSENSE[number % len(NONSENSE)] if number % NONSENSE_EVERY == 0 else None
        for key in (f"{turn}-{number}", None):
            said = bad if bad is not None else body([flight(tail_number=next(tails)), flight(tail_number=next(tails))])
            made.append(Question(f"{turn}-{'keyed' if key else 'plain'}-{number}", said, key))
    return made


async def _pester(gateway: Gateway, pest: Pest, questions: list[Question], *, kill: bool) -> None:
    pestering = asyncio.create_task(pest.pester(questions, SECONDS))
    if kill:
        await asyncio.sleep(KILL_AFTER_SECONDS)
        next(iter(gateway.replicas().values())).kill()
    await pestering


async def _final_answers(pest: Pest, keyed: list[Question]) -> dict[str, Heard]:
    """Return what each key's answer is in the end."""
    return {question.name: await pest.ask(question) for question in keyed}


def _says_when(heard: Heard) -> bool:
    return heard.status in COME_BACK and heard.retry_after is not None


def _each_key_once(gateway: Gateway, turn: str, pest: Pest, finals: dict[str, Heard]) -> None:
    """See one answer and its rows under each key, and every row that anybody was told in the log once."""
    for name, final in finals.items():
        said = {(one.status, one.body) for one in pest.heard[name] if one.status not in COME_BACK}
        assert said == {(final.status, final.body)}, name
    keyed = {one["prediction_id"] for final in finals.values() if final.status == 200 for one in _rows(final)}
    told = {
        one["prediction_id"]
        for answers in pest.heard.values()
        for heard in answers
        if heard.status == 200
        for one in _rows(heard)
    }
    adopt_orphans(gateway.chosen.prediction_log)
    log = PredictionLog(gateway.chosen.prediction_log)
    sql = f"SELECT prediction_id, request_id FROM predictions WHERE starts_with(request_id, '{turn}-')"
    until(lambda: told <= set(log.query_table(sql)["prediction_id"].to_pylist()), 60)
    rows = log.query(sql)
    assert max(Counter(row["prediction_id"] for row in rows).values()) == 1
    assert {str(row["prediction_id"]) for row in rows if str(row["request_id"]).startswith(f"{turn}-keyed-")} == keyed
    print(f"{len(finals)} keys, {len(keyed)} keyed rows, {len(rows)} rows in all")  # noqa: T201 - the drill's result


def _rows(heard: Heard) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(heard.body)["predictions"]
    return found


def _at_hand(gateway: Gateway) -> float:
    """Return how many requests are in flight or wait, by the gateway's own metrics."""
    page = httpx.get(f"{gateway.chosen.http_address}/metrics", timeout=30).raise_for_status().text
    names = ("holdfast_requests_in_flight{", "holdfast_queue_requests{")
    found = [float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(names)]
    assert found
    return sum(found)


def _megabytes(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 2**20


def _quiet_ms(gateway: Gateway) -> float:
    """Return the 90th percentile of what a request takes when nobody else asks, in milliseconds."""
    waits = []
    with httpx.Client(base_url=gateway.chosen.http_address, timeout=30) as client:
        for tail in planes(QUIET_REQUESTS):
            began = time.perf_counter()
            client.post(PATH, json={"rows": [flight(tail_number=tail)]}).raise_for_status()
            waits.append(time.perf_counter() - began)
    return float(np.percentile(waits, 90)) * 1000
