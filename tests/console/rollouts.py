"""A real ledger with a rollout under way, for the console's tests."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import Engine

from lifecycle.outcome import StageChange
from lifecycle.plan import TrafficPlan
from lifecycle.stages import Stage
from lifecycle.verdict import Decision, Verdict
from stores.ledger.arms import ArmReport, Arms
from stores.ledger.changes import Changes
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.standings import Standings
from stores.settings import Settings

MODEL = "flight_delay"
BEGAN = datetime(2013, 4, 1, tzinfo=UTC)
EVENT_NOW = BEGAN + timedelta(hours=30)


def decision(version: str, revision: int, action: str = "promote") -> Decision:
    """Return a decision that somebody made before."""
    return Decision(
        uuid4().hex, MODEL, version, action, Verdict.PASS, "it passed", (), "abc", revision, "flow:supervise", BEGAN
    )


def rollout(places: Settings) -> Engine:
    """Return a ledger in which 2 is champion after 1, 3 is canary at a tenth, 4 in shadow, 5 rejected."""
    engine = open_ledger(places.ledger_address)
    plans = Plans(engine)
    for version in ("1", "2", "3", "4", "5"):
        Standings(engine).meet(MODEL, version, None, BEGAN)
    _step(engine, plans.current(MODEL).promote("1", BEGAN), [("1", Stage.CHAMPION), ("5", Stage.REJECTED)])
    _step(engine, plans.current(MODEL).start_shadow("2", BEGAN), [("2", Stage.SHADOW)])
    _step(engine, plans.current(MODEL).promote("2", BEGAN), [("1", Stage.RETIRED), ("2", Stage.CHAMPION)])
    _step(engine, plans.current(MODEL).start_shadow("3", BEGAN), [("3", Stage.SHADOW)])
    _step(engine, plans.current(MODEL).start_canary(0.1, BEGAN), [("3", Stage.CANARY)])
    _step(engine, plans.current(MODEL).start_shadow("4", BEGAN), [("4", Stage.SHADOW)])
    return engine


def stage_of(engine: Engine, version: str) -> Stage:
    """Return where a version stands."""
    return Standings(engine).get(MODEL, version).stage


def report(engine: Engine, replica: str, revision: int, **more: object) -> None:
    """Let a replica say that it serves a plan revision now."""
    told = {"versions": ("2", "1"), "ready": True, "detail": "", "reported_at": datetime.now(UTC), **more}
    Arms(engine).report(ArmReport(model=MODEL, replica=replica, plan_revision=revision, **told))  # type: ignore[arg-type]


def _step(engine: Engine, plan: TrafficPlan, stages: Sequence[tuple[str, Stage]]) -> None:
    changes = tuple(StageChange(version, stage) for version, stage in stages)
    Changes(engine).apply(decision(stages[0][0], plan.revision - 1), BEGAN, plan, changes)
