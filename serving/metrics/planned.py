"""A traffic plan and what replicas say of it, as figures."""

from collections.abc import Iterator, Sequence

from lifecycle.assignment import Arm
from lifecycle.plan import TrafficPlan
from serving.metrics.figures import Figures
from serving.metrics.loop_families import (
    PLAN_HELD,
    PLAN_PINNED,
    PLAN_REVISION,
    REPLICA_READY,
    REPLICA_REVISION,
    TRAFFIC_SHARE,
    VERSION_INFO,
)
from stores.ledger.arms import ArmReport


def tell_plan(figures: Figures, plan: TrafficPlan) -> None:
    """Set the figures of a plan."""
    model = plan.model
    figures.set(PLAN_REVISION, (model,), float(plan.revision))
    figures.set(PLAN_HELD, (model,), float(plan.held is not None))
    figures.set(PLAN_PINNED, (model,), float(plan.pinned))
    for arm, version in _arms(plan):
        figures.set(VERSION_INFO, (model, version, arm), 1.0)
    for arm, version, share in _shares(plan):
        figures.set(TRAFFIC_SHARE, (model, version, arm), share)


def tell_replicas(figures: Figures, plan: TrafficPlan, reports: Sequence[ArmReport]) -> None:
    """Set the figures of the replicas that live; `reports` are their newest."""
    for report in reports:
        follows = report.ready and report.plan_revision >= plan.revision
        figures.set(REPLICA_READY, (plan.model, report.replica), float(follows))
        figures.set(REPLICA_REVISION, (plan.model, report.replica), float(report.plan_revision))


def _arms(plan: TrafficPlan) -> Iterator[tuple[Arm, str]]:
    named = (
        (Arm.CHAMPION, plan.champion),
        (Arm.PREVIOUS, plan.previous),
        (Arm.CANARY, None if plan.canary is None else plan.canary.version),
        (Arm.SHADOW, None if plan.shadow is None else plan.shadow.version),
    )
    yield from ((arm, version) for arm, version in named if version is not None)


def _shares(plan: TrafficPlan) -> Iterator[tuple[Arm, str, float]]:
    if plan.champion is None:
        return
    share = 0.0 if plan.canary is None else plan.canary.share
    yield Arm.CHAMPION, plan.champion, 1.0 - 2 * share
    if plan.canary is not None:
        yield Arm.CANARY, plan.canary.version, share
        yield Arm.CONTROL, plan.champion, share
