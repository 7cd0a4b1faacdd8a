"""Follows the ledger's plans: new versions are loaded beside the old ones, then swapped in at once.

Serving never waits for this. While the ledger or the registry is away, the last plan goes on, and a new
replica starts from the local copies of the last plan and its versions.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from serving.models import Models, ServedModel
from serving.plan_source import PlanSource
from stores.clock import Clock
from stores.ledger.arms import ArmReport

log = structlog.get_logger()

HEARTBEAT = timedelta(seconds=5)
"""How often a replica repeats its report while nothing changes."""
RETRY = timedelta(seconds=2)
"""How long a plan that could not be followed whole rests before it is tried again."""


class Policies(Protocol):
    """The policies as they are followed."""

    def newest(self, model: str) -> Policy:
        """Return a model's policy, the same object until it changes; raises when there never was a valid one."""
        ...

    def trouble(self, model: str) -> str | None:
        """Return why the newest file is not followed, None when it is."""
        ...


class Followers(Protocol):
    """The shadows of what serves."""

    def follow(self, served: ServedModel) -> None:
        """Bring a model's shadow to what serves; quick, and never raises."""
        ...

    def trouble(self, model: str) -> str | None:
        """Return why a model's shadow does not stand, None when it does or there is none."""
        ...

    def at_fault(self, model: str) -> bool:
        """Return whether that trouble speaks against the version itself, and not against a store that is away."""
        ...

    def report(self, model: str) -> Mapping[str, float | int | str] | None:
        """Return what is known of a model's shadow, None without one."""
        ...


class PlanWatch:
    """Brings the models to their plans and policies, and tells the ledger; `tick` does one round.

    `known` lists the models to serve; `stand_up` loads a plan's versions and returns the model ready to answer;
    `stopped` says whose answers of a model are stopped, None when nobody's are.
    """

    def __init__(
        self,
        *,
        known: Callable[[], Sequence[str]],
        plans: PlanSource,
        policies: Policies,
        stand_up: Callable[[TrafficPlan], ServedModel],
        shadows: Followers,
        models: Models,
        replica: str,
        clock: Clock,
        every_seconds: float,
        stopped: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._known = known
        self._plans = plans
        self._policies = policies
        self._stand_up = stand_up
        self._shadows = shadows
        self._models = models
        self._replica = replica
        self._clock = clock
        self._every_seconds = every_seconds
        self._stopped_answers = stopped
        self._failures: dict[str, _Failure] = {}
        self._reported: dict[str, ArmReport] = {}
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
        """Bring every known model to its newest plan and policy, and report where it stands."""
        for model in self._known():
            try:
                self._follow(model)
            except Exception as error:
                # One model's damaged files must not keep the others from their plans.
                if self._models.waiting().get(model) != str(error):
                    log.exception("model_not_followed", model=model, replica=self._replica)
                self._models.wait(model, str(error), failing=True)

    def _run(self) -> None:
        while not self._stopped.wait(self._every_seconds):
            try:
                self.tick()
            except Exception:
                # This thread is the only one that hears of promotions and rollbacks; it must outlive anything.
                log.exception("plan_watch_failed", replica=self._replica)

    def _follow(self, model: str) -> None:
        served = self._models.find(model)
        plan = self._plans.newest(model, None if served is None else served.plan)
        if plan is None or plan.champion is None:
            self._models.wait(model, _UNHEARD if plan is None else _UNPROMOTED, failing=False)
            return
        policy = self._policies.newest(model)
        if not _whole(served, plan, policy) and not self._resting(plan, policy):
            self._change(plan, policy)
        served = self._models.find(model)
        if served is not None:
            self._shadows.follow(served)
        self._report(plan, served)

    def _resting(self, plan: TrafficPlan, policy: Policy) -> bool:
        failure = self._failures.get(plan.model)
        if failure is None or failure.plan != plan or failure.policy is not policy:
            return False
        return self._clock.now() < failure.again_at

    def _change(self, plan: TrafficPlan, policy: Policy) -> None:
        try:
            served = self._stand_up(plan)
        except Exception as error:  # noqa: BLE001 - whatever a version's files do, what stands must keep standing
            log.warning("plan_not_followed", model=plan.model, revision=plan.revision, error=str(error))
            self._failures[plan.model] = _Failure(plan, policy, str(error), self._clock.now() + RETRY)
            self._models.wait(plan.model, str(error), failing=True)
            if self._models.find(plan.model) is None:
                self._join_the_others(plan)
        else:
            self._take_over(served, policy)

    def _join_the_others(self, plan: TrafficPlan) -> None:
        """Answer by the last plan that was followed here, as replicas do that stood before this one came."""
        try:
            last = self._plans.followed_last(plan.model)
            if last is None or last == plan:
                return
            served = self._stand_up(last)
        except Exception as error:  # noqa: BLE001 - the model waits then, and its readiness says why
            log.warning("last_plan_not_followed", model=plan.model, error=str(error))
        else:
            self._models.put(served)
            log.info("last_plan_followed", model=plan.model, revision=last.revision, instead_of=plan.revision)

    def _take_over(self, served: ServedModel, policy: Policy) -> None:
        plan = served.plan
        before = self._models.find(plan.model)
        # A retry that brings no further version leaves the lanes that answer alone.
        if before is None or not _same(before, served):
            self._models.put(served)
            self._plans.save(plan)
            log.info("plan_followed", model=plan.model, revision=plan.revision, versions=list(served.lanes))
        failure = self._failures.pop(plan.model, None)
        if served.left_out:
            reason = "; ".join(f"version {name} does not stand: {why}" for name, why in served.left_out.items())
            if failure is None or failure.reason != reason:
                log.warning("version_left_out", model=plan.model, revision=plan.revision, error=reason)
            self._failures[plan.model] = _Failure(plan, policy, reason, self._clock.now() + RETRY)

    def _report(self, plan: TrafficPlan, served: ServedModel | None) -> None:
        """Report at once what changed, and every few seconds what did not."""
        report = self._word(plan, served)
        last = self._reported.get(plan.model)
        if last is not None and _said(last) == _said(report) and report.reported_at - last.reported_at < HEARTBEAT:
            return
        if self._plans.report(report):
            self._reported[plan.model] = report

    def _word(self, plan: TrafficPlan, served: ServedModel | None) -> ArmReport:
        model = plan.model
        failure = self._failures.get(model)
        shadow = self._shadows.trouble(model)
        standing = {} if served is None else served.left_out
        # Who is left out here is taken back, so a version that is merely out of reach is in the detail alone.
        left_out = {name: why for name, why in standing.items() if served and name not in served.out_of_reach}
        if shadow is not None and plan.shadow is not None and self._shadows.at_fault(model):
            left_out[plan.shadow.version] = shadow
        # A missing way back is said in the detail, too; the champion answers all the same.
        failed = None if failure is None else failure.reason
        details = (failed, shadow, self._policies.trouble(model), self._stopped_answers(model))
        return ArmReport(
            model=model,
            replica=self._replica,
            plan_revision=0 if served is None else served.plan.revision,
            versions=() if served is None else tuple(served.lanes),
            ready=served is not None and served.plan == plan,
            detail="; ".join(detail for detail in details if detail),
            reported_at=self._clock.now(),
            left_out=left_out or None,
            shadow=self._shadows.report(model),
        )


@dataclass(frozen=True)
class _Failure:
    """A plan that could not be followed whole by a policy, why, and when it is tried again."""

    plan: TrafficPlan
    policy: Policy
    reason: str
    again_at: datetime


def _whole(served: ServedModel | None, plan: TrafficPlan, policy: Policy) -> bool:
    if served is None or served.plan != plan or served.policy is not policy:
        return False
    return not served.left_out and not served.loading


def _same(before: ServedModel, served: ServedModel) -> bool:
    if before.plan != served.plan or before.policy is not served.policy:
        return False
    return before.lanes.keys() == served.lanes.keys() and before.left_out == served.left_out


def _said(report: ArmReport) -> tuple[object, ...]:
    """Return what of a report is worth repeating early: everything but its time and a shadow's running figures."""
    trouble = None if report.shadow is None else report.shadow.get("trouble")
    return (report.plan_revision, report.versions, report.ready, report.detail, report.left_out, trouble)


_UNPROMOTED = "no version has been promoted yet"
_UNHEARD = "the ledger cannot be reached, and no plan was ever saved on this machine"
