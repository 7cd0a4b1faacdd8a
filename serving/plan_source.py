"""Where a gateway hears of plans: the ledger, and the local copies while the ledger is away."""

from typing import Protocol

import structlog

from lifecycle.errors import NotFound, Unavailable
from lifecycle.plan import TrafficPlan
from stores.ledger.arms import ArmReport

log = structlog.get_logger()


class Ledger(Protocol):
    """Where plans come from and reports go."""

    def plan(self, model: str) -> TrafficPlan:
        """Return the newest plan; raises Unavailable."""
        ...

    def report(self, report: ArmReport) -> None:
        """Store a report; raises Unavailable."""
        ...


class LastPlans(Protocol):
    """The local copies of plans."""

    def last_plan(self, model: str) -> TrafficPlan:
        """Return the last saved plan; raises NotFound."""
        ...

    def save_plan(self, plan: TrafficPlan) -> None:
        """Keep a plan; raises OSError when the disk does not take it."""
        ...


class PlanSource:
    """Reads plans and writes reports, also while the ledger or the disk refuses; each change of that is logged once."""

    def __init__(self, ledger: Ledger, copies: LastPlans, replica: str) -> None:
        self._ledger = ledger
        self._copies = copies
        self._replica = replica
        self._unsaved: dict[str, TrafficPlan] = {}
        self._away = False

    def newest(self, model: str, served: TrafficPlan | None) -> TrafficPlan | None:
        """Return a model's newest plan: the ledger's, else the served one, else the local copy; None without any."""
        if model in self._unsaved:
            self.save(self._unsaved[model])
        try:
            plan = self._ledger.plan(model)
        except Unavailable as error:
            self._notice(away=True, error=str(error))
            return self.followed_last(model) if served is None else served
        self._notice(away=False)
        return plan

    def followed_last(self, model: str) -> TrafficPlan | None:
        """Return the local copy of the last plan that was followed, None without one.

        Raises ArtifactInvalid when it is damaged.
        """
        try:
            return self._copies.last_plan(model)
        except NotFound:
            return None

    def save(self, plan: TrafficPlan) -> None:
        """Keep a plan for a start without the ledger; a disk that refuses is asked again at the next `newest`."""
        try:
            self._copies.save_plan(plan)
        except OSError as error:
            if self._unsaved.get(plan.model) != plan:
                log.warning("plan_not_saved", model=plan.model, revision=plan.revision, error=str(error))
            self._unsaved[plan.model] = plan
        else:
            self._unsaved.pop(plan.model, None)

    def report(self, report: ArmReport) -> bool:
        """Store a report; say whether the ledger took it."""
        try:
            self._ledger.report(report)
        except Unavailable as error:
            self._notice(away=True, error=str(error))
            return False
        return True

    def _notice(self, *, away: bool, error: str = "") -> None:
        if away and not self._away:
            log.warning("ledger_away", replica=self._replica, error=error)
        if self._away and not away:
            log.info("ledger_back", replica=self._replica)
        self._away = away
