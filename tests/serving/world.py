"""A world for the watch on plans: everything in it can fail."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from lifecycle.errors import ArtifactInvalid, NotFound, PolicyInvalid, Unavailable
from lifecycle.plan import TrafficPlan, empty_plan
from serving.models import Models, ServedModel
from serving.plan_source import PlanSource
from serving.plan_watch import PlanWatch
from stores.ledger.arms import ArmReport

WRITTEN_AT = datetime(2013, 4, 1, tzinfo=UTC)
FIRST = empty_plan("m").promote("1", WRITTEN_AT)
SECOND = FIRST.promote("2", WRITTEN_AT)


@dataclass
class Written:
    """A policy that can be replaced, and one that cannot be read."""

    policy: Any = field(default_factory=object)
    wrong: str | None = None
    invalid: dict[str, str] = field(default_factory=dict)

    def newest(self, model: str) -> Any:
        """Return the policy."""
        if model in self.invalid:
            raise PolicyInvalid(self.invalid[model])
        return self.policy

    def trouble(self, _: str) -> str | None:
        """Return what is wrong with the file."""
        return self.wrong


@dataclass
class Follower:
    """A shadow that may have trouble."""

    followed: list[int] = field(default_factory=list)
    reason: str | None = None
    figures: dict[str, float | int | str] | None = None
    fault: bool = True

    def follow(self, served: ServedModel) -> None:
        """Remember the plan."""
        self.followed.append(served.plan.revision)

    def trouble(self, _: str) -> str | None:
        """Return why there is none."""
        return self.reason

    def at_fault(self, _: str) -> bool:
        """Return whose fault it is."""
        return self.fault

    def report(self, _: str) -> dict[str, float | int | str] | None:
        """Return the figures."""
        return self.figures


@dataclass
class World:
    """A ledger, local copies, a clock and a loader, each of which can fail."""

    plan: TrafficPlan = field(default_factory=lambda: empty_plan("m"))
    ledger_away: bool = False
    reports: list[ArmReport] = field(default_factory=list)
    copies: dict[str, TrafficPlan] = field(default_factory=dict)
    at: datetime = datetime(2013, 4, 1, tzinfo=UTC)
    broken: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    out_of_reach: frozenset[str] = frozenset()
    damaged: set[str] = field(default_factory=set)
    disk_full: bool = False
    known: Sequence[str] = ("m",)
    stood_up: list[int] = field(default_factory=list)
    models: Models = field(default_factory=Models)
    loading: Sequence[str] = ()
    policies: Written = field(default_factory=Written)
    shadows: Follower = field(default_factory=Follower)
    still: str | None = None
    hung: dict[str, str] = field(default_factory=dict)

    def now(self) -> datetime:
        """Return the time."""
        return self.at

    def last_plan(self, model: str) -> TrafficPlan:
        """Return the local copy."""
        if model in self.damaged:
            raise ArtifactInvalid(f"the plan of {model} is damaged")
        if model not in self.copies:
            raise NotFound(model)
        return self.copies[model]

    def save_plan(self, plan: TrafficPlan) -> None:
        """Keep a local copy."""
        if self.disk_full:
            raise OSError("no space left on device")
        self.copies[plan.model] = plan

    def stand_up(self, plan: TrafficPlan) -> ServedModel:
        """Return a model that holds the plan's versions."""
        self.stood_up.append(plan.revision)
        if plan.champion in self.broken:
            raise ArtifactInvalid(f"version {plan.champion} fails its example")
        nothing = cast("Any", None)
        left_out = {version: "the registry is away" for version in plan.versions() if version in self.absent}
        lanes = {version: nothing for version in plan.versions() if version not in self.absent}
        policy, away = self.policies.policy, self.out_of_reach
        return ServedModel(plan, str(plan.champion), nothing, policy, lanes, left_out, self.loading, out_of_reach=away)

    def watch(self) -> PlanWatch:
        """Return a watch on this world."""
        return PlanWatch(
            known=lambda: self.known,
            plans=PlanSource(_Ledger(self), self, "r"),
            policies=self.policies,
            stand_up=self.stand_up,
            shadows=self.shadows,
            models=self.models,
            replica="r",
            clock=self,
            every_seconds=0.01,
            stands_still=lambda: self.still,
            hung=lambda model: self.hung if model == "m" else {},
        )

    def serves(self) -> int | None:
        """Return the plan revision that answers."""
        served = self.models.find("m")
        return None if served is None else served.plan.revision


@dataclass
class _Ledger:
    world: World

    def plan(self, _: str) -> TrafficPlan:
        if self.world.ledger_away:
            raise Unavailable("the ledger is away")
        return self.world.plan

    def report(self, report: ArmReport) -> None:
        if self.world.ledger_away:
            raise Unavailable("the ledger is away")
        self.world.reports.append(report)
