"""Follows the ledger's plans: new versions are loaded beside the old ones, then swapped in at once.

Serving never waits for this. While the ledger or the registry is away, the last plan goes on, and a new
replica starts from the local copies of the last plan and its versions.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from lifecycle.errors import NotFound, Unavailable
from lifecycle.plan import TrafficPlan
from serving.models import Models, ServedModel
from stores.clock import Clock
from stores.ledger.arms import ArmReport

log = structlog.get_logger()

HEARTBEAT = timedelta(seconds=5)
"""How often a replica repeats its report while nothing changes."""
RETRY = timedelta(seconds=2)
"""How long a plan that could not be followed whole rests before it is tried again."""


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


class PlanWatch:
    """Brings the models to their plans and tells the ledger; `tick` does one round.

    `known` lists the models to serve; `stand_up` loads a plan's versions and returns the model ready to answer.
    """

    def __init__(
        self,
        *,
        known: Callable[[], Sequence[str]],
        ledger: Ledger,
        copies: LastPlans,
        stand_up: Callable[[TrafficPlan], ServedModel],
        models: Models,
        replica: str,
        clock: Clock,
        every_seconds: float,
    ) -> None:
        self._known = known
        self._ledger = ledger
        self._copies = copies
        self._stand_up = stand_up
        self._models = models
        self._replica = replica
        self._clock = clock
        self._every_seconds = every_seconds
        self._failures: dict[str, _Failure] = {}
        self._unsaved: dict[str, TrafficPlan] = {}
        self._reported_at: dict[str, datetime] = {}
        self._ledger_away = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="plan-watch", daemon=True)

    def start(self) -> None:
        """Follow the plans in the background."""
        self._thread.start()

    def stop(self) -> None:
        """End the background thread."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def tick(self) -> None:
        """Bring every known model to its newest plan, and report where it stands."""
        for model in self._known():
            try:
                self._follow(model)
            except Exception as error:
                # One model's damaged files must not keep the others from their plans.
                if self._models.waiting().get(model) != str(error):
                    log.exception("model_not_followed", model=model, replica=self._replica)
                self._models.wait(model, str(error), failing=True)

    def _follow(self, model: str) -> None:
        if model in self._unsaved:
            self._save(self._unsaved[model])
        plan = self._newest(model)
        if plan is None or plan.champion is None:
            self._models.wait(model, _UNHEARD if plan is None else _UNPROMOTED, failing=False)
            return
        served = self._models.find(model)
        whole = served is not None and served.plan == plan and not served.left_out
        if not whole and not self._resting(plan):
            self._change(plan)
        elif self._clock.now() - self._reported_at.get(model, _NEVER) >= HEARTBEAT:
            self._report(plan)

    def _run(self) -> None:
        while not self._stopped.wait(self._every_seconds):
            try:
                self.tick()
            except Exception:
                # This thread is the only one that hears of promotions and rollbacks; it must outlive anything.
                log.exception("plan_watch_failed", replica=self._replica)

    def _newest(self, model: str) -> TrafficPlan | None:
        try:
            plan = self._ledger.plan(model)
        except Unavailable as error:
            self._notice(away=True, error=str(error))
            return self._remembered(model)
        self._notice(away=False)
        return plan

    def _remembered(self, model: str) -> TrafficPlan | None:
        served = self._models.find(model)
        if served is not None:
            return served.plan
        try:
            return self._copies.last_plan(model)
        except NotFound:
            return None

    def _resting(self, plan: TrafficPlan) -> bool:
        failure = self._failures.get(plan.model)
        return failure is not None and failure.plan == plan and self._clock.now() < failure.again_at

    def _change(self, plan: TrafficPlan) -> None:
        try:
            served = self._stand_up(plan)
        except Exception as error:  # noqa: BLE001 - whatever a version's files do, what stands must keep standing
            log.warning("plan_not_followed", model=plan.model, revision=plan.revision, error=str(error))
            self._failures[plan.model] = _Failure(plan, str(error), self._clock.now() + RETRY)
            self._models.wait(plan.model, str(error), failing=True)
        else:
            self._take_over(served)
        self._report(plan)

    def _take_over(self, served: ServedModel) -> None:
        plan = served.plan
        before = self._models.find(plan.model)
        # A retry that brings no further version leaves the lanes that answer alone.
        if before is None or before.plan != plan or before.lanes.keys() != served.lanes.keys():
            self._models.put(served)
            self._save(plan)
            log.info("plan_followed", model=plan.model, revision=plan.revision, versions=list(served.lanes))
        failure = self._failures.pop(plan.model, None)
        if served.left_out:
            reason = "; ".join(f"version {name} does not stand: {why}" for name, why in served.left_out.items())
            if failure is None or failure.reason != reason:
                log.warning("version_left_out", model=plan.model, revision=plan.revision, error=reason)
            self._failures[plan.model] = _Failure(plan, reason, self._clock.now() + RETRY)

    def _save(self, plan: TrafficPlan) -> None:
        try:
            self._copies.save_plan(plan)
        except OSError as error:
            if self._unsaved.get(plan.model) != plan:
                log.warning("plan_not_saved", model=plan.model, revision=plan.revision, error=str(error))
            self._unsaved[plan.model] = plan
        else:
            self._unsaved.pop(plan.model, None)

    def _report(self, plan: TrafficPlan) -> None:
        served = self._models.find(plan.model)
        failure = self._failures.get(plan.model)
        now = self._clock.now()
        report = ArmReport(
            model=plan.model,
            replica=self._replica,
            plan_revision=0 if served is None else served.plan.revision,
            versions=() if served is None else tuple(served.lanes),
            # A missing way back is said in the detail; the champion answers all the same.
            ready=served is not None and served.plan == plan,
            detail="" if failure is None else failure.reason,
            reported_at=now,
        )
        try:
            self._ledger.report(report)
        except Unavailable as error:
            self._notice(away=True, error=str(error))
        else:
            self._reported_at[plan.model] = now

    def _notice(self, *, away: bool, error: str = "") -> None:
        if away and not self._ledger_away:
            log.warning("ledger_away", replica=self._replica, error=error)
        if self._ledger_away and not away:
            log.info("ledger_back", replica=self._replica)
        self._ledger_away = away


@dataclass(frozen=True)
class _Failure:
    """A plan that could not be followed whole, why, and when it is tried again."""

    plan: TrafficPlan
    reason: str
    again_at: datetime


_UNPROMOTED = "no version has been promoted yet"
_UNHEARD = "the ledger cannot be reached, and no plan was ever saved on this machine"
_NEVER = datetime.min.replace(tzinfo=UTC)
