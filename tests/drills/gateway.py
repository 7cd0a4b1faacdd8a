"""A serving program under drill: its plans, its replicas and its log."""

import subprocess
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psutil
from sqlalchemy import Engine

from lifecycle.plan import TrafficPlan
from lifecycle.verdict import Decision, Verdict
from stores.ledger.arms import ArmReport, Arms
from stores.ledger.changes import Changes
from stores.ledger.plans import Plans
from stores.settings import Settings
from tests.drills.load import Load
from tests.drills.moves import Move
from tests.serving.conftest import MODEL, POLICIES
from tests.serving.test_server import living_replicas, until

PATH = f"/v2/models/{MODEL}/predict"
REPORT_SECONDS = 60.0
REPLACED_SECONDS = 120.0
"""Within which a replica takes a killed one's place, on a machine that other tests keep busy, too."""
LOAD_SECONDS = 90.0
CHANGES = (
    ("deadline_ms: 50\n", "deadline_ms: 500\n"),
    ("batch_deadline_ms: 5000\n", "batch_deadline_ms: 500\n"),
    ("lease_seconds: 30 ", "lease_seconds: 5 "),
    ("  attempts: 3 ", "  attempts: 10 "),
    ("time_share: 0.2 ", "time_share: 0.5 "),
    ("    attempts: 20 ", "    attempts: 1000 "),
    ("first_retry_seconds: 5\n", "first_retry_seconds: 0.3\n"),
    ("longest_retry_seconds: 3600\n", "longest_retry_seconds: 2\n"),
)
"""A deadline that a busy machine meets, one that a shadow which hangs overruns soon, and jobs that are taken up again
before the drill is over."""


@dataclass(frozen=True)
class Gateway:
    """A running server of the flight model; plans are written to its ledger as `supervise` does."""

    process: subprocess.Popen[str]
    chosen: Settings
    engine: Engine

    def load(
        self,
        bodies: Iterable[bytes],
        connections: int,
        per_second: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Load:
        """Return load on the predict path, which begins when it is entered."""
        return Load(self.address, PATH, bodies, connections, per_second, headers=headers)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return self.chosen.host, self.chosen.http_port

    def replicas(self, deployment: str = "Gateway") -> dict[int, psutil.Process]:
        """Return the processes of a deployment that live, by their ids."""
        return {replica.pid: replica for replica in living_replicas(self.process.pid, deployment)}

    def a_replica(self, deployment: str) -> psutil.Process:
        """Return a living process of a deployment, once there is one."""
        until(lambda: bool(self.replicas(deployment)), REPLACED_SECONDS)
        return next(iter(self.replicas(deployment).values()))

    def replaced(self, dead: Collection[int], count: int = 2) -> None:
        """Wait until so many replicas live, and none of those that were killed."""

        def all_are() -> bool:
            there = self.replicas().keys()
            return len(there) == count and not there & set(dead)

        until(all_are, REPLACED_SECONDS)

    def plan(self) -> TrafficPlan:
        """Return the plan that stands."""
        return Plans(self.engine).current(MODEL)

    def change(self, action: str, move: Move) -> TrafficPlan:
        """Commit a decision and the plan that follows from it in one transaction; return that plan."""
        plan, now = self.plan(), datetime.now(UTC)
        following = move(plan, now)
        version = str(following.champion)
        told = f"a drill: {action}"
        decision = Decision(
            uuid4().hex, MODEL, version, action, Verdict.PASS, told, (), "drill", plan.revision, "drill", now
        )
        Changes(self.engine).apply(decision, now, following)
        return following

    def followed(
        self, revision: int, replicas: int = 2, versions: Sequence[str] = (), since: datetime | None = None
    ) -> None:
        """Wait until so many replicas have reported a plan revision, holding the versions; `since` a moment."""

        def all_say() -> bool:
            said = Arms(self.engine).since(MODEL, since or _lately())
            there = [r for r in said if r.plan_revision == revision and set(versions) <= set(r.versions)]
            return len(there) >= replicas

        until(all_say, REPORT_SECONDS)

    def left_out_everywhere(self, version: str) -> None:
        """Wait until two replicas say that a version of their plan does not stand."""
        told = f"version {version} does not stand"
        until(lambda: sum(told in report.detail for report in self.reports()) >= 2, LOAD_SECONDS)

    def reports(self) -> tuple[ArmReport, ...]:
        """Return what the replicas said lately."""
        return Arms(self.engine).since(MODEL, _lately())


def copied_policies(folder: Path, replicas: int) -> Path:
    """Write the flight model's policy with so many replicas, and with CHANGES."""
    folder.mkdir(exist_ok=True)
    text = (POLICIES / f"{MODEL}.yaml").read_text(encoding="utf-8")
    bounds = [(f"{bound}: 1{end}", f"{bound}: {replicas}{end}") for bound, end in (("minimum", "\n"), ("maximum", " "))]
    for old, new in (*bounds, *CHANGES):
        assert text.count(old) == 1
        text = text.replace(old, new)
    part = folder / f"{MODEL}.part"
    part.write_text(text, encoding="utf-8")
    part.replace(folder / f"{MODEL}.yaml")
    return folder


def _lately() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=15)
