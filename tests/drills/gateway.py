"""A serving program under drill: its plans, its replicas and its log."""

import json
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psutil
from sqlalchemy import Engine

from lifecycle.plan import ShadowArm, TrafficPlan
from lifecycle.verdict import Decision, Verdict
from stores.ledger.arms import Arms
from stores.ledger.changes import Changes
from stores.ledger.plans import Plans
from stores.settings import Settings
from tests.drills.load import Load
from tests.serving.conftest import MODEL, POLICIES
from tests.serving.test_server import until

PATH = f"/v2/models/{MODEL}/predict"
REPORT_SECONDS = 30.0


@dataclass(frozen=True)
class Gateway:
    """A running server of the flight model; plans are written to its ledger as `supervise` does."""

    process: subprocess.Popen[str]
    chosen: Settings
    engine: Engine

    def load(self, bodies: Iterable[bytes], connections: int, per_second: float | None = None) -> Load:
        """Return load on the predict path, which begins when it is entered."""
        return Load((self.chosen.host, self.chosen.http_port), PATH, bodies, connections, per_second)

    def replicas(self) -> dict[int, psutil.Process]:
        """Return the gateway processes by their ids."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return {child.pid: child for child in children if child.name().startswith("ray::ServeRepli")}

    def plan(self) -> TrafficPlan:
        """Return the plan that stands."""
        return Plans(self.engine).current(MODEL)

    def change(self, action: str, move: Callable[[TrafficPlan, datetime], TrafficPlan]) -> TrafficPlan:
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

    def followed(self, plan: TrafficPlan, replicas: int = 2, versions: Sequence[str] = ()) -> None:
        """Wait until so many replicas report a plan's revision, holding the versions."""

        def all_say() -> bool:
            recent = Arms(self.engine).since(MODEL, datetime.now(UTC) - timedelta(seconds=15))
            there = [r for r in recent if r.plan_revision == plan.revision and set(versions) <= set(r.versions)]
            return len(there) >= replicas

        until(all_say, REPORT_SECONDS)

    def left_out(self, version: str) -> list[str]:
        """Return what replicas say in these seconds of a version that does not stand."""
        recent = Arms(self.engine).since(MODEL, datetime.now(UTC) - timedelta(seconds=15))
        said = [(report.left_out or {}).get(version) for report in recent]
        return [why for why in said if why is not None]


def with_canary(version: str, share: float) -> Callable[[TrafficPlan, datetime], TrafficPlan]:
    """Return the move that puts a version into canary without a shadow before."""
    return lambda plan, at: replace(plan, shadow=ShadowArm(version, plan.revision, at)).start_canary(share, at)


def copied_policies(folder: Path, replicas: int) -> Path:
    """Write the flight model's policy with so many replicas, and a deadline that a busy machine meets."""
    folder.mkdir(exist_ok=True)
    text = (POLICIES / f"{MODEL}.yaml").read_text(encoding="utf-8")
    for old, new in (("replicas: 1", f"replicas: {replicas}"), ("deadline_ms: 50\n", "deadline_ms: 500\n")):
        assert text.count(old) == 1
        text = text.replace(old, new)
    part = folder / f"{MODEL}.part"
    part.write_text(text, encoding="utf-8")
    part.replace(folder / f"{MODEL}.yaml")
    return folder


def serving_file(chosen: Settings) -> dict[str, object]:
    """Return what the server announced."""
    said: dict[str, object] = json.loads((chosen.run / "serving.json").read_text(encoding="utf-8"))
    return said
