"""A climb that ticks alone can make: everything that will be asked is in the log already, by the revisions to come."""

import sys
from datetime import datetime, timedelta

from sqlalchemy import Engine

from flows.supervision.desk import Desk, open_desk
from flows.supervision.tick import tick
from lifecycle.outcome import StageChange
from lifecycle.rollout import decide_rollout
from lifecycle.stages import Stage
from lifecycle.verdict import Decision, Verdict
from stores.ledger.changes import Changes
from stores.ledger.opening import connect
from stores.ledger.plans import Plans
from stores.settings import settings
from tests.flows import toy
from tests.flows.supervision.conftest import MANIFEST, NOW, SERVED, Workshop

FAILED: dict[str, object] = {"outcome": "failed", "score": None, "decision": None}


def crown(workshop: Workshop, version: str = "1", at: datetime = NOW) -> None:
    """Make a version champion, as the offline gate does with the first one."""
    plan = workshop.plans().current("toy")
    stages = [StageChange(version, Stage.CHAMPION)]
    if plan.champion is not None:
        stages.append(StageChange(plan.champion, Stage.RETIRED))
    decision = Decision(
        f"crown-{version}", "toy", version, "promote", Verdict.PASS, "", (), "p", plan.revision, "t", at
    )
    Changes(workshop.engine).apply(decision, at, plan.promote(version, at), tuple(stages), MANIFEST)


def desk_of(workshop: Workshop, paged: list[Decision] | None = None) -> Desk:
    """Return the toy's desk with the real judge; what is paged is kept in a list."""
    pages = [] if paged is None else paged
    return open_desk("toy", workshop.config, workshop.engine, decide_rollout, pages.append, definition=toy.DEFINITION)


def log_shadow(workshop: Workshop, rows: int, failing: int = 0, revision: int = 2, hour: int = 0) -> None:
    """Log rows that champion 1 and shadow 2 were both asked, of which the shadow failed some."""
    shared = {"plan_revision": revision, "moment_at": toy.START + timedelta(days=1, hours=hour)}
    workshop.pair(*[(dict(shared), dict(FAILED) if row < failing else {}) for row in range(rows)])


def log_canary(workshop: Workshop, rows: int, failing: int = 0, revision: int = 3) -> None:
    """Log as many rows of canary 2 as of the control group, and how often the canary failed."""
    for row in range(rows):
        at = {"plan_revision": revision, "served_at": SERVED + timedelta(seconds=row)}
        failed = {**FAILED, "shown": False} if row < failing else {}
        workshop.write([{**at, "arm": "canary", "version": "2", **failed}])
        workshop.write([{**at, "arm": "control"}])


def climb(address: str, rounds: int, engine: Engine | None = None) -> str | None:
    """Tick until version 2 is champion; return the champion that stands then."""
    engine = engine or connect(address)
    desk = open_desk("toy", settings(), engine, decide_rollout, lambda _: None, definition=toy.DEFINITION)
    for _ in range(rounds):
        tick(desk)
        champion = Plans(engine).current("toy").champion
        if champion == "2":
            break
    return champion


if __name__ == "__main__":
    sys.stdout.write(str(climb(sys.argv[1], int(sys.argv[2]))))
