"""Which version an arm holds, what it is compared with, and since when."""

from dataclasses import dataclass
from datetime import datetime

from lifecycle.errors import NotFound
from lifecycle.plan import TrafficPlan
from lifecycle.rollout_policy import ArmName


@dataclass(frozen=True)
class Trial:
    """A version in one arm; its evidence begins with `since_revision`. `since_at` is the clock's, not the wall's."""

    arm: ArmName
    version: str
    baseline: str | None
    since_revision: int
    since_at: datetime | None


def trial_of(plan: TrafficPlan, arm: ArmName) -> Trial:
    """Return what stands in an arm; raises NotFound when nothing does."""
    if arm == "shadow" and plan.shadow is not None:
        return Trial("shadow", plan.shadow.version, plan.champion, plan.shadow.since_revision, plan.shadow.since_at)
    if arm == "canary" and plan.canary is not None:
        return Trial("canary", plan.canary.version, plan.champion, plan.canary.since_revision, plan.canary.since_at)
    if arm == "champion" and plan.champion is not None:
        return Trial("champion", plan.champion, None, plan.champion_since_revision, plan.champion_since_at)
    raise NotFound(f"{plan.model} has no {arm} (plan revision {plan.revision})")
