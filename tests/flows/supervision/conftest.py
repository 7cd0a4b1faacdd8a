"""A workshop for supervision: a real ledger, a real log that a test writes as replicas do, and the toy's events."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import Engine

from flows.supervision.sources import Sources
from lifecycle.manifest import Example, Manifest
from lifecycle.policy import Policy
from lifecycle.rollout_policy import RolloutRule
from stores.events import EventStore
from stores.ledger.arms import ArmReport, Arms
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress
from stores.ledger.standings import Standings
from stores.policies import load_policy
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings, settings
from tests.flows import toy

NOW = toy.START + timedelta(days=10)
"""The clock's now, which a replay has set; the wall's is another."""
SERVED = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
MANIFEST = Manifest(
    model="toy",
    format="onnx",
    model_file="model.onnx",
    contract=toy.CONTRACT,
    feature_service="toy_v1",
    vector=toy.DEFINITION.vector,
    example=Example(request=({},), features=((1.0,),), scores=(0.5,)),
    files={"model.onnx": "0" * 64},
)


def rule(rule_id: str, arm: str, metric: str, **condition: object) -> RolloutRule:
    """Return a rule."""
    return RolloutRule.model_validate(
        {
            "id": rule_id,
            "when": {"metric": metric, "arm": arm, **condition},
            "then": "reject" if arm == "shadow" else "roll_back",
            "veto_only": False,
            "because": "It must.",
        }
    )


@dataclass
class Workshop:
    """One model's stores; `write` logs rows as a replica does, pending until `ship`."""

    config: Settings
    engine: Engine
    writer: SegmentWriter
    ids: Iterator[int] = field(default_factory=itertools.count)

    def policy(self, *rules: RolloutRule) -> Policy:
        """Return the toy's policy with some rules in place of its own."""
        policy = load_policy(self.config.policies, "toy")
        chosen = policy.rollout.model_copy(update={"rules": rules}) if rules else policy.rollout
        return policy.model_copy(update={"rollout": chosen})

    def sources(self, now: datetime = NOW) -> Sources:
        """Return the sources as of a moment."""
        log, events = PredictionLog(self.config.prediction_log), EventStore(self.config.events)
        return Sources(toy.DEFINITION, log, events, Arms(self.engine), now)

    def plans(self) -> Plans:
        """Return the plans."""
        return Plans(self.engine)

    def standings(self) -> Standings:
        """Return the standings."""
        return Standings(self.engine)

    def meet(self, *versions: str) -> None:
        """Store versions as registered, checked and pinned."""
        for version in versions:
            self.standings().meet("toy", version, MANIFEST, NOW)

    def report(self, **word: object) -> None:
        """Store a replica's report of now."""
        told = {"model": "toy", "replica": "r", "plan_revision": 0, "versions": (), "ready": True, "detail": ""}
        Arms(self.engine).report(ArmReport(**{**told, "reported_at": datetime.now(UTC), **word}))  # type: ignore[arg-type]

    def write(self, rows: Sequence[dict[str, object]]) -> list[str]:
        """Log one micro-batch, each row with defaults for what it does not name; return the rows' ids."""
        whole = []
        for row in rows:
            number = next(self.ids)
            whole.append(
                {
                    "prediction_id": f"p{number:06d}",
                    "model": "toy",
                    "version": "1",
                    "arm": "champion",
                    "replica": "r",
                    "plan_revision": 1,
                    "served_at": SERVED,
                    "moment_at": toy.START + timedelta(days=1),
                    "example_id": f"e{number}",
                    "unit": f"u{number}",
                    "request": '{"unit":"u1","site":"north","load":0.5,"asked_at":"2020-01-02T00:00:00Z"}',
                    "score": 0.5,
                    "decision": "on",
                    "outcome": "answered",
                    "shown": True,
                    "queue_us": 1000,
                    "features_us": 1000,
                    "predict_us": 1000,
                    **row,
                }
            )
        self.writer.append(pa.RecordBatch.from_pylist(whole, schema=SCHEMA))
        return [str(row["prediction_id"]) for row in whole]

    def pair(self, *pairs: tuple[dict[str, object], dict[str, object]], version: str = "2") -> None:
        """Log answers of champion 1 and a shadow's attempts at the same rows."""
        shown = self.write([champion for champion, _ in pairs])
        shared = ("served_at", "moment_at", "example_id", "unit", "request", "plan_revision")
        self.write(
            [
                {name: champion[name] for name in shared if name in champion}
                | {"arm": "shadow", "version": version, "shown": False, "pairs_with": one, **shadow}
                for one, (champion, shadow) in zip(shown, pairs, strict=True)
            ]
        )


@pytest.fixture
def workshop(home: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Workshop]:
    """Return a workshop with nothing in it but the toy's policy and events, and a clock at day ten."""
    monkeypatch.setenv("HOLDFAST_POLICIES", str(tmp_path / "policies"))
    settings.cache_clear()
    settings().policies.mkdir()
    (settings().policies / "toy.yaml").write_text(toy.POLICY, encoding="utf-8")
    engine = open_ledger(home.ledger_address)
    Progress(engine).set_replay(NOW)
    writer = SegmentWriter(home.prediction_log, "r")
    yield Workshop(settings(), engine, writer)
    writer.close()
    engine.dispose()


@pytest.fixture
def events(workshop: Workshop) -> EventStore:
    """Return the event store with the toy's twenty days in it."""
    store = EventStore(workshop.config.events)
    for stream in toy.DEFINITION.streams:
        store.merge("toy", stream.name, stream.key, stream.read(toy.START, toy.END))
    return store
