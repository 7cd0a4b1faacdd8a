"""Follows the ledger's plans: new versions are loaded beside the old ones, then swapped in at once.

Serving never waits for this. While the ledger or the registry is away, the last plan goes on, and a new
replica starts from the local copies of the last plan and its versions.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from serving.following import Followers, Policies
from serving.models import Models, ServedModel
from serving.plan_reports import PlanReports
from serving.plan_source import PlanSource
from stores.clock import Clock

log = structlog.get_logger()

RETRY = timedelta(seconds=2)
"""How long a plan that could not be followed whole rests before it is tried again."""


class PlanWatch:
    """Brings the models to their plans and policies, and tells the ledger; `tick` does one round.

    `known` lists the models to serve; `stand_up` loads a plan's versions and returns the model ready to answer;
    `stopped`, `stands_still` and `hung` say what else a report holds (see PlanReports).
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
        stands_still: Callable[[], str | None] = lambda: None,
        hung: Callable[[str], Mapping[str, str]] = lambda _: {},
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
        self._failures: dict[str, _Failure] = {}
        self._reports = PlanReports(
            plans=plans,
            policies=policies,
            shadows=shadows,
            replica=replica,
            clock=clock,
            stopped=stopped,
            stands_still=stands_still,
            hung=hung,
        )
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

    def report(self, model: str) -> None:
        """Report where a served model stands, on any thread, also while this one's is busy with a plan."""
        served = self._models.find(model)
        if served is not None:
            self._report(served.plan, served)

    def _report(self, plan: TrafficPlan, served: ServedModel | None) -> None:
        failure = self._failures.get(plan.model)
        # A missing way back is said as well; the champion answers all the same.
        self._reports.tell(plan, served, None if failure is None else failure.reason)

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


_UNPROMOTED = "no version has been promoted yet"
_UNHEARD = "the ledger cannot be reached, and no plan was ever saved on this machine"
