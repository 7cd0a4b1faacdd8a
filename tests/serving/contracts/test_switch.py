"""From the first contract to the second under traffic: shadow, canary, champion and back, by the ordinary rules.

Everything is real: the gateway with its watch on the ledger's plan, Feast, the shadow's process, the log's table, and
the judge. Only Ray and the network between client and gateway are left out.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from flows.supervision.desk import Desk, open_desk
from flows.supervision.tick import tick
from lifecycle.outcome import Action, StageChange
from lifecycle.plan import TrafficPlan
from lifecycle.rollout import decide_rollout
from lifecycle.stages import Stage
from lifecycle.verdict import Decision, Verdict
from serving.gateway import Gateway, open_gateway
from serving.shadow.shadows import Shadows
from stores.ledger.arms import Arms
from stores.ledger.changes import Changes
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.standings import Standings
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings
from tests.serving.conftest import Row
from tests.serving.contracts import parcel_shadow
from tests.serving.contracts.conftest import CONTRACT, fill, new, old, write_version
from tests.serving.contracts.parcels import DEFINITION, DEFINITION_V1, MODEL

pytestmark = [
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
    pytest.mark.timeout(600),
]
COMMAND = (sys.executable, str(Path(parcel_shadow.__file__)))
PATIENCE_SECONDS = 240.0
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ASKED = 60
"""Requests of each stage; the policy wants 20 answers of an arm before it judges."""


@dataclass
class Town:
    """A gateway, its ledger and its judge, and clients of both contracts."""

    config: Settings
    engine: Engine
    gateway: Gateway
    desk: Desk
    parcels: int = 0
    answered: Counter[str] = field(default_factory=Counter)

    def ask(self, *rows: Row, contract: str | None = None) -> httpx.Response:
        """Return the answer to rows of JSON."""
        headers = {} if contract is None else {CONTRACT: contract}

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.gateway.application)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                return await client.post(f"/v2/models/{MODEL}/predict", json={"rows": list(rows)}, headers=headers)

        return asyncio.run(asked())

    def old_clients(self, count: int = ASKED, contract: str | None = "parcels_v1") -> None:
        """Let clients of the first contract ask; each must be answered, whatever stands."""
        for _ in range(count):
            self.parcels += 1
            service = ("road", "air")[self.parcels % 2]
            row = old(parcel=self.parcels, sender=f"s{self.parcels}", service=service, weight=self.parcels % 50)
            answer = self.ask(row, contract=contract)
            assert answer.status_code == 200, answer.text
            said = answer.json()
            assert said.get("request_contract", said["contract"]) == "parcels_v1"
            self.answered[said["contract"]] += 1

    def look(self) -> list[Action]:
        """Let the judge look once."""
        return [outcome.action for outcome in tick(self.desk)]

    def plan(self) -> TrafficPlan:
        """Return the plan."""
        return Plans(self.engine).current(MODEL)

    def follow(self) -> None:
        """Wait until the gateway serves the newest plan, with everything that stands in it."""
        wanted = self.plan()

        def follows() -> bool:
            (report,) = Arms(self.engine).since(MODEL, LONG_AGO)
            return (
                report.ready
                and report.plan_revision == wanted.revision
                and set(wanted.versions()) <= set(report.versions)
            )

        until(follows)

    def rows(self, where: str) -> list[dict[str, Any]]:
        """Return shipped rows."""
        return list(PredictionLog(self.config.prediction_log).query(f"SELECT * FROM predictions WHERE {where}"))


def until(true: Callable[[], object]) -> None:
    """Wait until something is true; raises TimeoutError."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"not true after {PATIENCE_SECONDS} s")
        time.sleep(0.05)


def shut_down(gateway: Gateway) -> None:
    """End a gateway as its server does."""

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "lifespan.shutdown"}

    async def send(_: MutableMapping[str, Any]) -> None:
        """Take the answer."""

    asyncio.run(gateway.application({"type": "lifespan"}, receive, send))


def crown(engine: Engine, version: str, at: datetime) -> None:
    """Make the first version champion, as the offline gate does."""
    plan, stages = Plans(engine).current(MODEL), (StageChange(version, Stage.CHAMPION),)
    manifest = Standings(engine).get(MODEL, version).manifest
    decision = Decision(
        f"crown-{version}", MODEL, version, "promote", Verdict.PASS, "", (), "p", plan.revision, "t", at
    )
    Changes(engine).apply(decision, at, plan.promote(version, at), stages, manifest)


@pytest.fixture
def town(home: Settings, policies: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """Return a town whose champion is of the first contract, while a version of the second is registered."""
    config = home.model_copy(update={"policies": policies})
    fill(config.features)
    engine, now = open_ledger(config.ledger_address), datetime.now(UTC)
    for version, definition in (("1", DEFINITION_V1), ("2", DEFINITION)):
        files = write_version(config.versions, version, definition, seed=int(version))
        Standings(engine).meet(MODEL, version, files.manifest, now)
    crown(engine, "1", now)
    monkeypatch.setattr("serving.gateway.Shadows", partial(Shadows, command=COMMAND))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    gateway = open_gateway(config, "replica-a")
    desk = open_desk(MODEL, config, engine, decide_rollout, lambda _: None, definition=DEFINITION)
    yield Town(config, engine, gateway, desk)
    shut_down(gateway)
    engine.dispose()


def test_next_contract_climbs_by_rule_while_old_clients_go_on(town: Town) -> None:
    """Old clients are answered at every stage; new ones where nothing of theirs is lost, and in full at the end."""
    drone = new(service="drone", fragile=True)

    # The first contract alone.
    town.follow()
    town.old_clients(5)
    assert town.ask(new(), contract="parcels_v2").status_code == 200
    assert town.ask(drone, contract="parcels_v2").status_code == 409

    # The second in shadow: it is asked what the champion was, in its own contract.
    assert town.look() == [Action.START_SHADOW]
    town.follow()
    until(lambda: _shadow(town).get("memory_mb", 0.0) > 0)
    assert town.ask(new(parcel=900_001), contract="parcels_v2").json()["contract"] == "parcels_v1"
    town.old_clients()
    until(lambda: _shadow(town)["answered_rows"] >= ASKED)
    assert town.ask(drone, contract="parcels_v2").status_code == 409
    until(lambda: len(town.rows("arm = 'shadow'")) >= ASKED)
    _check_shadow(town)

    # Then a canary, when the rules say so.
    until(lambda: Action.START_CANARY in town.look())
    town.follow()
    town.old_clients(2 * ASKED)
    assert town.ask(drone, contract="parcels_v2").status_code == 409
    assert town.answered["parcels_v2"] >= 20

    # And the champion.
    until(lambda: _asked_on(town) and Action.PROMOTE in town.look())
    assert (town.plan().champion, town.plan().previous) == ("2", "1")
    town.follow()
    before = town.answered["parcels_v1"]
    town.old_clients(20)
    town.old_clients(20, contract=None)
    assert town.answered["parcels_v1"] == before
    answer = town.ask(drone)
    assert (answer.status_code, answer.json()["contract"]) == (200, "parcels_v2")

    # Back, when somebody must: old clients notice nothing, new ones are told.
    plan, now = town.plan(), datetime.now(UTC)
    back = Decision("back", MODEL, "2", "roll_back", Verdict.FAIL, "", (), "p", plan.revision, "t", now)
    Changes(town.engine).apply(back, now, plan.roll_back(now), ())
    town.follow()
    town.old_clients(5, contract=None)
    assert town.ask(new(), contract="parcels_v2").json()["contract"] == "parcels_v1"
    assert town.ask(drone, contract="parcels_v2").status_code == 409


def _asked_on(town: Town) -> bool:
    """Let old clients go on asking between two looks."""
    town.old_clients(40)
    return True


def _shadow(town: Town) -> dict[str, Any]:
    (report,) = Arms(town.engine).since(MODEL, LONG_AGO)
    return dict(report.shadow or {})


def _check_shadow(town: Town) -> None:
    """Hold each of the shadow's rows against the champion's that it is paired with."""
    shown = {row["prediction_id"]: row for row in town.rows("arm = 'champion'")}
    shadow = town.rows("arm = 'shadow'")
    for row in shadow:
        paired = shown[row["pairs_with"]]
        assert (row["contract"], row["outcome"], row["error"]) == ("parcels_v2", "answered", None)
        assert (row["example_id"], row["unit"]) == (paired["example_id"], paired["unit"])
        assert '"weight_kg":' in row["request"]
        # The features both have are the same, read by two processes; the other two are the new contract's own.
        assert row["features"][:3] == paired["features"]
        assert row["features"][3:] == [0.0, 0.0]
        assert row["feature_at"] == paired["feature_at"]
    written = {row["original_contract"] for row in shadow if row["example_id"] != "900001"}
    assert written == {"parcels_v1"}
    (direct,) = [row for row in shadow if row["example_id"] == "900001"]
    assert direct["original_contract"] is None, "a new client's request is taken as it was written"
