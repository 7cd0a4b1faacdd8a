"""A tenant that floods, beyond its rate and beyond what the gateway can do: another's people do not notice."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import numpy as np
import pytest

from lifecycle.priority import Priority
from lifecycle.tenants import Role, Tenant
from stores.ledger.tenants import Tenants
from stores.prediction_log.shipper import adopt_orphans
from stores.prediction_log.table import PredictionLog
from tests.bench.overload.figures import Outcomes
from tests.bench.overload.sender import Cores, Plan
from tests.drills.flights import planes
from tests.drills.gateway import PATH, Gateway
from tests.drills.load import Load, endless
from tests.drills.users import INTERACTIVE, deadline_seconds, requests
from tests.serving.conftest import flight
from tests.serving.test_server import ROOT, until

PEOPLE_PER_SECOND, PEOPLE_CONNECTIONS = 30.0, 12
QUIET_SECONDS, FLOOD_SECONDS = 6.0, 10.0
FLOOD_ALLOWED, FLOOD_BURST = 250.0, 250
FLOOD_PER_SECOND = {"standard": 300.0, "backfill": 300.0}
"""More than twice its rate, and what is let in of it is more rows than two replicas score on two cores."""
FLOOD_ROWS, FLOOD_CONNECTIONS = 200, 400
SLOWER, DEADLINE_PART = 5.0, 0.5
"""The people's 99th percentile may be so many times as long as in quiet, and on a machine that other tests keep busy,
where all clients take of its cores, so large a part of the policy's deadline."""
LEAD_SECONDS = 3.0

pytestmark = [
    pytest.mark.timeout(200),
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]


@dataclass(frozen=True)
class Guest:
    """A tenant's name and key."""

    name: str
    key: str


def test_flood_of_one_tenant_is_refused_and_another_s_people_are_answered_as_before(
    gateway: Gateway, tmp_path: Path
) -> None:
    """None of the people's requests is refused, lost or late; the flood is told when to come back, and counted."""
    people = _guest(gateway, "people", 1000.0, 1000, Priority.INTERACTIVE)
    flood = _guest(gateway, "flood", FLOOD_ALLOWED, FLOOD_BURST, Priority.STANDARD)
    until(lambda: all(_is_known(gateway, guest) for guest in (people, flood)), 60)
    headers = INTERACTIVE | {"X-API-Key": people.key}
    with gateway.load(endless(requests()), PEOPLE_CONNECTIONS, PEOPLE_PER_SECOND, headers) as load:
        time.sleep(QUIET_SECONDS)
        quiet_until = time.monotonic()
        with _flooding(gateway, flood, tmp_path) as files:
            time.sleep(LEAD_SECONDS)
            refused = _probe(gateway, flood, time.monotonic() + FLOOD_SECONDS)
        flooded_until = time.monotonic()
        time.sleep(1.0)
    statuses: Counter[str] = Counter()
    flooded = {}
    for file in files:
        outcomes = Outcomes.read(file)
        statuses.update(outcomes.counts())
        flooded[file.stem] = (round(outcomes.milliseconds(50)), round(outcomes.milliseconds(99)))
    quiet = _waits_ms(load, 0.0, quiet_until)
    beside = _waits_ms(load, quiet_until + LEAD_SECONDS, flooded_until)
    print(  # noqa: T201 - the drill's result
        f"people: {len(load.answered)} answered, {len(load.failures)} failed, p50 and p99 {quiet} ms in quiet and "
        f"{beside} ms beside the flood; the flood got {dict(statuses)}, its p50 and p99 were {flooded} ms"
    )
    assert load.failures == []
    assert beside[1] <= max(SLOWER * quiet[1], DEADLINE_PART * deadline_seconds(gateway) * 1000)
    assert beside[1] <= flooded["standard"][1]
    assert statuses.keys() <= {"200", "429", "503"}
    assert statuses["429"] > 0
    assert statuses["200"] <= FLOOD_BURST + FLOOD_ALLOWED * (FLOOD_SECONDS + LEAD_SECONDS)
    assert refused
    assert all(answer.headers["retry-after"] for answer in refused)
    until(lambda: _turned_away(gateway, flood) >= statuses["429"], 60)
    _on_record(gateway, load, people)


def _guest(gateway: Gateway, kind: str, per_second: float, burst: int, highest: Priority) -> Guest:
    tenants, name = Tenants(gateway.engine), f"{kind}-{uuid4().hex[:8]}"
    tenants.add(Tenant(name, per_second, burst, highest))
    return Guest(name, tenants.issue(name, Role.PREDICT, None)[1])


def _is_known(gateway: Gateway, guest: Guest) -> bool:
    """Say whether several requests in a row, and so both replicas, know a key."""
    return all(_ask(gateway, guest).status_code == 200 for _ in range(6))


def _ask(gateway: Gateway, guest: Guest) -> httpx.Response:
    address, row = gateway.chosen.http_address + PATH, flight()
    return httpx.post(address, json={"rows": [row]}, headers={"X-API-Key": guest.key}, timeout=30)


@contextmanager
def _flooding(gateway: Gateway, guest: Guest, folder: Path) -> Iterator[Sequence[Path]]:
    """Flood from processes of their own for the block; afterwards the files say what became of every request."""
    rows = [flight(tail_number=tail) for tail in planes(FLOOD_ROWS)]
    plans = [
        Plan(
            address=gateway.chosen.http_address + PATH,
            headers={"X-API-Key": guest.key, "X-Holdfast-Priority": priority},
            body=json.dumps({"rows": rows}),
            per_second=rate,
            seconds=FLOOD_SECONDS,
            connections=FLOOD_CONNECTIONS,
            begins_at=time.time() + LEAD_SECONDS,
            file=str(folder / f"{priority}.npz"),
            cores=Cores.LATER,
        )
        for priority, rate in FLOOD_PER_SECOND.items()
    ]
    command = [sys.executable, "-m", "tests.bench.overload.sender"]
    senders = [subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, text=True) for _ in plans]
    for sender, plan in zip(senders, plans, strict=True):
        assert sender.stdin is not None
        sender.stdin.write(plan.dumped())
        sender.stdin.close()
    try:
        yield [Path(plan.file) for plan in plans]
    finally:
        assert [sender.wait(90) for sender in senders] == [0] * len(senders)


def _probe(gateway: Gateway, guest: Guest, until_at: float) -> list[httpx.Response]:
    """Ask as the tenant that floods, now and then; return its refusals."""
    answers = []
    # One client: making one takes this process, and with it the people's clients, longer than a request.
    with httpx.Client(base_url=gateway.chosen.http_address, headers={"X-API-Key": guest.key}, timeout=30) as client:
        while time.monotonic() < until_at:
            answers.append(client.post(PATH, json={"rows": [flight()]}))
            time.sleep(0.2)
    assert {answer.status_code for answer in answers} <= {200, 429, 503}
    return [answer for answer in answers if answer.status_code != 200]


def _waits_ms(load: Load, since: float, until_at: float) -> tuple[float, float]:
    """Return median and 99th percentile of what was sent in a stretch of time."""
    waits = [one.seconds * 1000 for one in load.answered if since <= one.sent_at < until_at]
    return round(float(np.percentile(waits, 50)), 1), round(float(np.percentile(waits, 99)), 1)


def _turned_away(gateway: Gateway, guest: Guest) -> float:
    """Return how many requests of a tenant were beyond its rate, by the gateway's own metrics."""
    page = httpx.get(f"{gateway.chosen.http_address}/metrics", timeout=30).raise_for_status().text
    mine = [line for line in page.splitlines() if line.startswith("holdfast_turned_away_total{") and guest.name in line]
    return sum(float(line.rsplit(" ", 1)[1]) for line in mine if 'kind="too-many-requests"' in line)


def _on_record(gateway: Gateway, load: Load, people: Guest) -> None:
    """See every answer of the people in the log, under their name."""
    told = {prediction for one in load.answered for prediction in one.prediction_ids}
    sql = f"SELECT prediction_id FROM predictions WHERE tenant = '{people.name}'"

    def logged() -> set[str]:
        adopt_orphans(gateway.chosen.prediction_log)
        return set(PredictionLog(gateway.chosen.prediction_log).query_table(sql)["prediction_id"].to_pylist())

    until(lambda: told <= logged(), 60)
