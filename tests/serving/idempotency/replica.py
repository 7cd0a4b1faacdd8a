"""A gateway's application on a real ledger and a real prediction log, without Ray: as many as a test wants."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Engine

from feature_repo.definition import load_definition
from lifecycle.plan import ShadowArm, TrafficPlan
from lifecycle.policy import Policy
from serving.idempotency.opening import open_once
from serving.models import Models
from serving.prediction_ids import PredictionIds
from serving.rollout.loading import Loading
from serving.routes import Application
from serving.standing import StandingUp
from stores.ledger.opening import open_ledger
from stores.policies import load_policy
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import adopt_orphans, ship
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings
from stores.versions import Versions
from tests.serving.conftest import MODEL, POLICIES, Shelf, flight

PREDICT = f"/v2/models/{MODEL}/predict"
CHAMPION = TrafficPlan(MODEL, revision=2, champion="2", previous="1")
AT = datetime(2013, 4, 1, tzinfo=UTC)
TRIAL = replace(CHAMPION, shadow=ShadowArm("1", 2, AT)).start_canary(0.5, AT)
"""Half of the planes are answered by the canary."""


@dataclass
class Replica:
    """One replica within reach; `shelf` counts what was scored."""

    application: Application
    models: Models
    shelf: Shelf
    writer: SegmentWriter
    engine: Engine
    book: Any

    async def send(
        self, key: str | None, rows: Sequence[dict[str, Any]] = (), path: str = PREDICT, **more: Any
    ) -> httpx.Response:
        """Return the answer to a request with a key, on this event loop."""
        headers = more.pop("headers", {}) | ({} if key is None else {"Idempotency-Key": key})
        body = more or {"json": {"rows": list(rows) or [flight()]}}
        transport = httpx.ASGITransport(self.application)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.post(path, headers=headers, **body)

    def ask(self, key: str | None, rows: Sequence[dict[str, Any]] = (), **more: Any) -> httpx.Response:
        """Return the answer to a request with a key, on an event loop of its own."""
        return asyncio.run(self.send(key, rows, **more))

    def stop(self) -> None:
        """Leave, as a replica does that is told to."""
        self.book.stop()
        self.writer.seal()
        ship(self.writer.owned.folder.parents[1], self.writer.owned)
        self.writer.close()
        self.engine.dispose()


def open_replica(
    home: Path,
    versions: Path,
    *,
    plan: TrafficPlan = CHAMPION,
    log: Any = None,
    keys: Any = None,
    **idempotency: Any,
) -> Replica:
    """Return a replica on a state folder; `log` and `keys` wrap what it appends to and the ledger's keys."""
    chosen = Settings(home=home, policies=POLICIES)
    definition = load_definition(MODEL)
    shelf, models = Shelf(definition), Models()
    engine = open_ledger(chosen.ledger_address)
    writer = SegmentWriter(chosen.prediction_log, "replica")

    def policy_of(model: str) -> Policy:
        policy = load_policy(POLICIES, model)
        canary = policy.rollout.canary.model_copy(update={"deadline_ms": 20_000})
        changed = {
            "rollout": policy.rollout.model_copy(update={"canary": canary}),
            "idempotency": policy.idempotency.model_copy(update=idempotency),
        }
        return policy.model_copy(update=changed)

    appended: Any = writer if log is None else log(writer)
    ids = PredictionIds(time.time)
    stand_up = StandingUp(policy_of, lambda *_: shelf, Versions(versions, None).open, appended, ids, "replica")
    stand_up.loading = Loading(patience_seconds=30.0)
    models.put(stand_up(plan))
    shelf.batches.clear()
    once = open_once(chosen, engine, writer.owned.app_id, lambda _: None)
    if keys is not None:
        once.book.keys = keys(once.book.keys)
    application = Application(models, keyed=once)
    return Replica(application, models, shelf, writer, engine, once.book)


def logged(home: Path) -> list[dict[str, Any]]:
    """Return everything in the prediction log, once what the dead left is shipped."""
    root = Settings(home=home, policies=POLICIES).prediction_log
    adopt_orphans(root)
    log = PredictionLog(root)
    return log.tail(10_000)
