"""Who enters shadow next."""

from collections.abc import Mapping
from datetime import datetime

from lifecycle.outcome import Action, Outcome, StageChange
from lifecycle.plan import TrafficPlan
from lifecycle.stages import Stage
from lifecycle.verdict import Finding, Verdict
from stores.ledger.standings import Standing, in_line

RULE = "next-in-line"


def start_next_shadow(plan: TrafficPlan, standings: Mapping[str, Standing], now: datetime) -> Outcome | None:
    """Return the start of the oldest registered version's shadow, or None when none may start.

    One enters only beside a champion, while no other is in shadow and nothing is held, and only when its files
    were checked and pinned. `standings` are oldest first.
    """
    if plan.champion is None or plan.shadow is not None or plan.held is not None:
        return None
    waiting = in_line(standings)
    if not waiting:
        return None
    version = waiting[0]
    told = (
        f"version {version} is checked and the oldest of {len(waiting)} waiting; "
        f"it enters shadow beside version {plan.champion}"
    )
    return Outcome(
        Action.START_SHADOW,
        version,
        Verdict.PASS,
        told,
        (Finding(RULE, Verdict.PASS, None, None, told),),
        plan.start_shadow(version, now),
        (StageChange(version, Stage.SHADOW),),
    )
