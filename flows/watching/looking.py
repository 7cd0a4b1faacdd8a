"""One look at one model's champion: gather, decide, store, tell."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import structlog

from flows.watching.seeing import see_all
from flows.watching.telling import tell_of_alarms
from flows.watching.watcher import Watcher
from lifecycle.alarms import Alarm, AlarmKind
from lifecycle.errors import EvidenceMissing
from lifecycle.look import Look
from lifecycle.looking import decide_look
from stores.ledger.alarms import Alarms
from stores.ledger.looks import Looks
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress

MINE = frozenset(AlarmKind) - {AlarmKind.PARITY}
"""The flow check_parity tells of its own."""
log = structlog.get_logger()


@dataclass(frozen=True)
class Looked:
    """What a look came to, and the alarms that people were told of by it."""

    look: Look
    told: tuple[Alarm, ...]


def look_at(watcher: Watcher) -> Looked:
    """Look at the champion once, store what was found, and tell of the alarms that nobody was told of.

    Killed anywhere and begun again it opens and tells nothing twice. What one part of it cannot see, because a store is
    away or something is missing, is said and keeps the others from nothing. Raises EvidenceMissing while nothing
    serves.
    """
    began, began_at, model, engine = time.monotonic(), datetime.now(UTC), watcher.policy.model, watcher.engine
    plan = Plans(engine).current(model)
    if plan.champion is None:
        raise EvidenceMissing(f"no version of {model} serves yet, so there is nothing to look at")
    now = watcher.clock.now()
    since = now - timedelta(hours=watcher.policy.watching.drift.window_hours)
    seen, evidence = see_all(watcher, plan.champion, since, now)
    outcome = decide_look(seen, watcher.policy.watching.drift)
    rows = evidence.pop("rows", 0)
    look = Look(
        look_id=uuid4().hex,
        model=model,
        version=plan.champion,
        since_at=since,
        until_at=now,
        rows=rows if isinstance(rows, int) else 0,
        verdict=outcome.verdict,
        reason=outcome.reason,
        findings=outcome.findings,
        policy_revision=watcher.policy.revision(),
        seconds=time.monotonic() - began,
        looked_at=began_at,
        evidence=evidence,
    )
    Alarms(engine).apply(
        model, plan.champion, judged=outcome.judged, undecided=outcome.undecided, concerns=outcome.concerns, now=now
    )
    told = tell_of_alarms(engine, watcher.policy, now, watcher.page, watcher.ask_for_training, kinds=MINE)
    # Last, because what a look sees of breakers begins where the newest stored one did: had it been stored before
    # people were told, a look killed in between would have hidden from the next what it was about to tell.
    Looks(engine).record(look)
    Progress(engine).advance(f"watch:{model}", now)
    log.info("looked", model=model, version=plan.champion, verdict=str(look.verdict), reason=look.reason)
    return Looked(look, told)
