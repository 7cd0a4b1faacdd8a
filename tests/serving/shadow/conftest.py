"""Shadows over real child processes, beside a replica's own real segment writer."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest

from feature_repo.definition import load_definition
from lifecycle.plan import ShadowArm, TrafficPlan
from lifecycle.policy import Policy
from serving.shadow.mirror import Mirror
from serving.shadow.shadows import COMMAND, Shadows
from stores.policies import load_policy
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipping import Shipper
from stores.prediction_log.table import PredictionLog
from stores.versions import VersionFiles, Versions

MODEL = "flight_delay"
POLICIES = Path(__file__).parents[3] / "policies"
MISBEHAVING = (sys.executable, str(Path(__file__).with_name("misbehaving.py")))
AT = datetime(2013, 4, 1, 12, 30, tzinfo=UTC)
GOOD, ODD = 0.0, 1.0
PATIENCE_SECONDS = 240.0
"""A shadow gets a core when nobody else wants one, so on a busy machine it needs long to start."""


def until(true: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something is true; raises TimeoutError."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"not true after {seconds} s")
        time.sleep(0.01)


def champion_rows(*ids: str, first_feature: float = GOOD, **changes: Any) -> pa.RecordBatch:
    """Return a micro-batch as the champion logs it, one row per id."""
    width = len(load_definition(MODEL).vector)
    rows = [
        {
            "prediction_id": one,
            "request_id": f"request-{one}",
            "row": number,
            "model": MODEL,
            "version": "1",
            "arm": "champion",
            "tier": "model",
            "replica": "replica-a",
            "plan_revision": 7,
            "served_at": AT,
            "moment_at": AT,
            "example_id": f"flight-{one}",
            "unit": "N14228",
            "request": "{}",
            "features": [first_feature] * width,
            "score": 0.25,
            "decision": "on_time",
            "outcome": "answered",
            "shown": True,
            "decode_us": 5,
            "queue_us": 5,
            "features_us": 5,
            "predict_us": 5,
            **changes,
        }
        for number, one in enumerate(ids)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


def plan_of(version: str = "2", since_revision: int = 5) -> TrafficPlan:
    """Return a plan with a version in shadow."""
    return TrafficPlan(MODEL, 9, "1", None, shadow=ShadowArm(version, since_revision, AT))


@dataclass
class Replica:
    """A gateway replica's shadows and its log."""

    root: Path
    versions: Path
    writer: SegmentWriter
    shadows: Shadows
    pids: set[int] = field(default_factory=set)

    def follow(self, plan: TrafficPlan | None = None, **limits: float) -> Mirror:
        """Start or keep the plan's shadow under the shipped policy with changed limits."""
        plan = plan or plan_of()
        assert plan.shadow is not None
        return self.shadows.follow(plan, self.files(plan.shadow.version), policy(**limits), load_definition(MODEL))

    def files(self, version: str) -> VersionFiles:
        """Return a version's files."""
        return Versions(self.versions, None).open(MODEL, version)

    def report(self) -> dict[str, Any]:
        """Return what is known of the shadow."""
        found = self.shadows.report(MODEL)
        assert found is not None
        return dict(found)

    def until_accounted(self, rows: int) -> dict[str, Any]:
        """Wait until so many mirrored rows have met their fate, and return the report."""
        until(lambda: _accounted(self.report()) >= rows)
        return self.report()

    def children(self) -> list[psutil.Process]:
        """Return the shadow processes that run."""
        return [
            child
            for child in psutil.Process().children()
            # A zombie has no command line any more, and asking for it raises.
            if child.status() != psutil.STATUS_ZOMBIE and any("shadow" in part for part in child.cmdline())
        ]

    def shadow_rows(self) -> list[dict[str, Any]]:
        """End the shadows and return everything that is on record about them."""
        self.shadows.stop()
        Shipper(self.root, self.writer, 60).ship_now()
        log = PredictionLog(self.root)
        rows = [row for row in log.tail(1_000_000) if row["arm"] == "shadow"]
        return sorted(rows, key=lambda row: str(row["pairs_with"]))


def _accounted(report: dict[str, Any]) -> int:
    return int(report["answered_rows"] + report["failed_rows"] + report["dropped_rows"])


def policy(**limits: float) -> Policy:
    """Return the shipped policy with changed limits of the shadow."""
    whole = load_policy(POLICIES, MODEL)
    shadow = whole.rollout.shadow.model_copy(update=limits)
    return whole.model_copy(update={"rollout": whole.rollout.model_copy(update={"shadow": shadow})})


@pytest.fixture
def make_replica(tmp_path: Path, versions_root: Path) -> Iterator[Callable[[str], Replica]]:
    """Return a maker of replicas whose shadow is the real one (""), or misbehaves in one of the ways."""
    made: list[Replica] = []

    def make(way: str = "") -> Replica:
        root = tmp_path / "predictions"
        writer = SegmentWriter(root, "replica-a")
        command = (*MISBEHAVING, way) if way else COMMAND
        replica = Replica(root, versions_root, writer, Shadows(root, "replica-a", writer, command))
        made.append(replica)
        return replica

    yield make
    for replica in made:
        replica.shadows.stop()
        replica.writer.close()
