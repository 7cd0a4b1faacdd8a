"""What a replica tells the ledger of each model: whether it answers, by which plan, and what does not stand."""

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta

from lifecycle.plan import TrafficPlan
from serving.following import Followers, Policies
from serving.models import ServedModel
from serving.plan_source import PlanSource
from stores.clock import Clock
from stores.ledger.arms import ArmReport

HEARTBEAT = timedelta(seconds=5)
"""How often a replica repeats its report while nothing changes."""


class PlanReports:
    """Reports at once what changed, and every few seconds what did not; on any thread.

    `stopped` says whose answers of a model are stopped, None when nobody's are; `stands_still` why no model is
    answered at all, None when they are; `hung` which versions of a model hung here.
    """

    def __init__(
        self,
        *,
        plans: PlanSource,
        policies: Policies,
        shadows: Followers,
        replica: str,
        clock: Clock,
        stopped: Callable[[str], str | None],
        stands_still: Callable[[], str | None],
        hung: Callable[[str], Mapping[str, str]],
    ) -> None:
        self._plans = plans
        self._policies = policies
        self._shadows = shadows
        self._replica = replica
        self._clock = clock
        self._stopped = stopped
        self._stands_still = stands_still
        self._hung = hung
        self._last: dict[str, ArmReport] = {}
        # Of two threads that report, the later word must be the one that is stored.
        self._lock = threading.Lock()

    def tell(self, plan: TrafficPlan, served: ServedModel | None, failed: str | None) -> None:
        """Report where a model stands, unless that was said lately; `failed` is why the plan is not followed whole."""
        with self._lock:
            report = self._word(plan, served, failed)
            last = self._last.get(plan.model)
            if last is not None and _said(last) == _said(report) and report.reported_at - last.reported_at < HEARTBEAT:
                return
            if self._plans.report(report):
                self._last[plan.model] = report

    def _word(self, plan: TrafficPlan, served: ServedModel | None, failed: str | None) -> ArmReport:
        model = plan.model
        still = self._stands_still()
        shadow = self._shadows.trouble(model)
        details = (still, failed, shadow, self._policies.trouble(model), self._stopped(model))
        return ArmReport(
            model=model,
            replica=self._replica,
            plan_revision=0 if served is None else served.plan.revision,
            versions=() if served is None else tuple(served.lanes),
            ready=served is not None and served.plan == plan and still is None,
            detail="; ".join(detail for detail in details if detail),
            reported_at=self._clock.now(),
            left_out=self._left_out(plan, served, shadow) or None,
            shadow=self._shadows.report(model),
        )

    def _left_out(self, plan: TrafficPlan, served: ServedModel | None, shadow: str | None) -> Mapping[str, str]:
        """Return what speaks against versions; who is named here is taken back.

        So a version that is merely out of reach is in the detail alone.
        """
        standing = {} if served is None else served.left_out
        left_out = {name: why for name, why in standing.items() if served and name not in served.out_of_reach}
        if shadow is not None and plan.shadow is not None and self._shadows.at_fault(plan.model):
            left_out[plan.shadow.version] = shadow
        return {**left_out, **self._hung(plan.model)}


def _said(report: ArmReport) -> tuple[object, ...]:
    """Return what of a report is worth repeating early: everything but its time and a shadow's running figures."""
    trouble = None if report.shadow is None else report.shadow.get("trouble")
    return (report.plan_revision, report.versions, report.ready, report.detail, report.left_out, trouble)
