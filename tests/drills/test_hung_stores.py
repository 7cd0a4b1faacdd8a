"""The online store and the ledger hang while people ask: they are answered as if nothing were the matter."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import pytest

from stores.prediction_log.shipper import adopt_orphans
from stores.prediction_log.table import PredictionLog
from tests.drills.gateway import PATH, REPORT_SECONDS, Gateway
from tests.drills.users import INTERACTIVE, mostly_since, tiers_since, unnoticing
from tests.holding import held
from tests.serving.conftest import MODEL, flight
from tests.serving.test_server import until

STORE_SECONDS = 5.0
LEDGER_SECONDS = 8.0
REFUSED_SECONDS = 10.0
"""Within which a caller hears that the ledger is away: five seconds, and what a busy machine takes."""
LATELY_SECONDS, BACK_SECONDS = 2.0, 60.0
KEYED = "while-the-ledger-hangs"

pytestmark = [
    pytest.mark.timeout(200),
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]


def test_online_store_that_hangs_is_not_waited_for(gateway: Gateway) -> None:
    """Everybody is answered without looked-up features meanwhile, and by the model again when the store is back."""
    with unnoticing(gateway, "the online store is locked") as load:
        with held(gateway.chosen.features / MODEL / "online.db"):
            held_at = time.monotonic()
            until(lambda: tiers_since(load, held_at)["static"] > 0, 60)
            hung_at = time.monotonic()
            time.sleep(STORE_SECONDS)
            # Nobody has features, so nobody else can answer.
            assert set(tiers_since(load, hung_at)) == {"static"}
            until(lambda: _not_asked(gateway), REPORT_SECONDS)
        until(lambda: mostly_since(load, time.monotonic() - LATELY_SECONDS) == "model", BACK_SECONDS)


def test_ledger_that_hangs_is_noticed_by_those_alone_who_need_it(gateway: Gateway) -> None:
    """A key and a job are refused with the time to come back, and then answered and logged once."""
    needs = {
        "keyed": {"Idempotency-Key": KEYED, "X-Request-ID": KEYED},
        "job": {"Idempotency-Key": "a job while the ledger hangs", "Prefer": "respond-async"},
    }
    with unnoticing(gateway, "the ledger is locked") as load:
        with _locked_ledger(gateway):
            began = time.monotonic()
            refused = asyncio.run(_ask(gateway, needs))
            assert {name: answer.status_code for name, (answer, _) in refused.items()} == dict.fromkeys(refused, 503)
            assert all(answer.headers["retry-after"] for answer, _ in refused.values())
            assert all("ledger" in answer.json()["detail"] for answer, _ in refused.values())
            assert max(seconds for _, seconds in refused.values()) <= REFUSED_SECONDS
            time.sleep(max(0.0, began + LEDGER_SECONDS - time.monotonic()))
            assert mostly_since(load, began) == "model"
        answers = _ask_until_taken(gateway, needs)
    job = answers["job"]["id"]
    _logged_once(gateway, answers["keyed"]["predictions"][0]["prediction_id"], job)
    waits = {name: f"{seconds:.1f} s" for name, (_, seconds) in refused.items()}
    print(f"refused after {waits}")  # noqa: T201 - the drill's result


def _not_asked(gateway: Gateway) -> bool:
    return any("the online features are not asked" in report.detail for report in gateway.reports())


@contextmanager
def _locked_ledger(gateway: Gateway) -> Iterator[None]:
    with closing(sqlite3.connect(gateway.chosen.home / "ledger.db", isolation_level=None, timeout=30)) as ledger:
        ledger.execute("BEGIN IMMEDIATE")
        yield
        ledger.execute("ROLLBACK")


async def _ask(gateway: Gateway, needs: dict[str, dict[str, str]]) -> dict[str, tuple[httpx.Response, float]]:
    """Send what needs the ledger, all at once; return the answers and how long each took."""
    async with httpx.AsyncClient(base_url=gateway.chosen.http_address, timeout=60) as client:

        async def one(method: str, path: str, **more: object) -> tuple[httpx.Response, float]:
            began = time.monotonic()
            answer = await client.request(method, path, **more)  # type: ignore[arg-type]
            return answer, time.monotonic() - began

        asked = {name: one("POST", PATH, json=_BODY, headers=headers | INTERACTIVE) for name, headers in needs.items()}
        asked |= {f"question {number}": one("GET", "/v2/jobs/unknown") for number in range(3)}
        return dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))


def _ask_until_taken(gateway: Gateway, needs: dict[str, dict[str, str]]) -> dict[str, dict[str, Any]]:
    """Send the same again, as a client does that was told to come back."""
    taken: dict[str, dict[str, Any]] = {}

    def all_taken() -> bool:
        for name, headers in needs.items():
            if name not in taken:
                answer = httpx.post(gateway.chosen.http_address + PATH, json=_BODY, headers=headers, timeout=60)
                if answer.status_code in (200, 202):
                    taken[name] = answer.json()
        return len(taken) == len(needs)

    until(all_taken, BACK_SECONDS)
    return taken


def _logged_once(gateway: Gateway, prediction: str, job: str) -> None:
    """See one row of each request in the log, whatever was tried before."""

    def rows() -> list[str]:
        adopt_orphans(gateway.chosen.prediction_log)
        sql = f"SELECT prediction_id FROM predictions WHERE request_id IN ('{KEYED}', '{job}')"
        return [str(row["prediction_id"]) for row in PredictionLog(gateway.chosen.prediction_log).query(sql)]

    until(lambda: len(rows()) >= 2, 60)
    assert len(rows()) == 2
    assert prediction in rows()


_BODY = {"rows": [flight(tail_number="N4LEDG")]}
