"""A thousand keys, each sent five times at the same moment, while replicas are killed: each is answered once."""

import asyncio
import json
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select

from stores.ledger.idempotency_schema import idempotency_keys
from stores.prediction_log.shipper import adopt_orphans
from stores.prediction_log.table import PredictionLog
from tests.drills.flights import body, planes
from tests.drills.gateway import PATH, Gateway
from tests.drills.keyed import Keyed
from tests.serving.conftest import flight
from tests.serving.test_server import until

KEYS = 1000
TIMES = 5
TOGETHER = 20
"""Keys whose requests are under way at the same moment: a hundred requests."""
KILLS = 4
LATER_SECONDS = 0.006
"""Each kill comes so much later after a claim than the one before, so that it meets the requests further on."""
WAIT_SECONDS = 60.0

pytestmark = [
    pytest.mark.timeout(400),
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]


def test_each_key_has_one_answer_and_its_rows_are_in_the_log_once(gateway: Gateway) -> None:
    """All five answers are the same, and no row is there that nobody was given."""
    since = f"{int(time.time() * 1000):012x}"
    tails = iter(planes(2 * KEYS))
    bodies = [
        (f"key-{number}", body([flight(tail_number=next(tails)), flight(tail_number=next(tails))]))
        for number in range(KEYS)
    ]
    keyed = Keyed((gateway.chosen.host, gateway.chosen.http_port), PATH)
    began, killed = time.monotonic(), asyncio.run(_send(gateway, keyed, bodies))
    took = time.monotonic() - began
    assert {key: len(answers) for key, answers in keyed.answers.items()} == {key: TIMES for key, _ in bodies}
    assert {answer.status for answers in keyed.answers.values() for answer in answers} == {200}
    assert [key for key, answers in keyed.answers.items() if len({one.body for one in answers}) > 1] == []
    firsts = Counter(sum(not one.replayed for one in answers) for answers in keyed.answers.values())
    # The first answer of a killed replica reaches nobody; all that are given then are replays.
    assert set(firsts) <= {0, 1}
    told = [
        one["prediction_id"] for answers in keyed.answers.values() for one in json.loads(answers[0].body)["predictions"]
    ]
    assert len(set(told)) == 2 * KEYS
    logged = _logged(gateway, set(told), since)
    assert Counter(logged) == Counter(told)
    taken_over = _taken_over(gateway)
    assert killed == KILLS
    assert taken_over > 0, "no replica was killed with a keyed request in hand"
    print(  # noqa: T201 - the drill's result
        f"{KEYS} keys, {TIMES} times each, {killed} replicas killed in {took:.0f} s; {taken_over} keys taken over from "
        f"the dead, {firsts[0]} of them answered from the log; sent again by clients for {dict(keyed.again)}; "
        f"{len(logged)} rows in the log"
    )


async def _send(gateway: Gateway, keyed: Keyed, bodies: list[tuple[str, bytes]]) -> int:
    """Send everything, group by group, killing a replica within some; return how many were killed."""
    replaced: asyncio.Task[None] | None = None
    killed = 0
    for start in range(0, len(bodies), TOGETHER):
        if killed < KILLS and start >= killed * len(bodies) // KILLS:
            if replaced is not None:
                await replaced
            owners = await asyncio.to_thread(_owners, gateway)
            killing = asyncio.create_task(
                asyncio.to_thread(_kill_with_a_key_in_hand, gateway, owners, killed * LATER_SECONDS)
            )
            await keyed.send(bodies[start : start + TOGETHER], TIMES)
            dead = await killing
            killed += 1
            replaced = asyncio.create_task(asyncio.to_thread(gateway.replaced, [dead]))
        else:
            await keyed.send(bodies[start : start + TOGETHER], TIMES)
    keyed.close()
    if replaced is not None:
        await replaced
    return killed


def _owners(gateway: Gateway) -> dict[str, psutil.Process]:
    """Return the replicas by the folders of segments that they hold."""
    return {
        Path(file.path).parent.name: replica
        for replica in gateway.replicas().values()
        for file in replica.open_files()
        if Path(file.path).parents[1].name == "segments"
    }


def _kill_with_a_key_in_hand(gateway: Gateway, owners: dict[str, psutil.Process], later_seconds: float) -> int:
    """Kill the first replica that is seen with a key that it has claimed and not answered, or a little later.

    Return its id.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    unanswered = "SELECT owner FROM idempotency_keys WHERE status IS NULL LIMIT 1"
    # Looked at beside the ledger's own engine, whose reads take the lock that the claims need.
    with closing(sqlite3.connect(gateway.chosen.home / "ledger.db")) as ledger:
        while time.monotonic() < deadline:
            found = ledger.execute(unanswered).fetchone()
            if found is not None and found[0] in owners:
                time.sleep(later_seconds)
                owners[found[0]].kill()
                return owners[found[0]].pid
            if found is not None:
                # It came up after they were looked at.
                owners = _owners(gateway)
    raise AssertionError(f"no key was claimed and unanswered within {WAIT_SECONDS} s")


def _taken_over(gateway: Gateway) -> int:
    """Return how many keys have had more than one owner."""
    with gateway.engine.connect() as connection:
        return sum(bool(former) for former in connection.scalars(select(idempotency_keys.c.former)))


def _logged(gateway: Gateway, told: set[str], since: str) -> list[str]:
    """Return the ids of all keyed rows in the log, once those that were told are shipped.

    Ids begin with the time; those of before `since` are of other drills.
    """
    adopt_orphans(gateway.chosen.prediction_log)
    log = PredictionLog(gateway.chosen.prediction_log)
    keyed = f"substr(prediction_id, 13, 1) = 'k' AND prediction_id >= '{since}'"
    sql = f"SELECT prediction_id FROM predictions WHERE {keyed}"
    until(lambda: told <= set(log.query_table(sql)["prediction_id"].to_pylist()), 60)
    ids: list[str] = log.query_table(sql)["prediction_id"].to_pylist()
    return ids
