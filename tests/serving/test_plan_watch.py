"""Following the plans, whatever is away."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from lifecycle.errors import ArtifactInvalid, NotFound, Unavailable
from lifecycle.plan import TrafficPlan, empty_plan
from serving.models import Models, ServedModel
from serving.plan_watch import PlanWatch
from stores.ledger.arms import ArmReport

WRITTEN_AT = datetime(2013, 4, 1, tzinfo=UTC)
FIRST = empty_plan("m").promote("1", WRITTEN_AT)
SECOND = FIRST.promote("2", WRITTEN_AT)


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
    damaged: set[str] = field(default_factory=set)
    disk_full: bool = False
    known: Sequence[str] = ("m",)
    stood_up: list[int] = field(default_factory=list)
    models: Models = field(default_factory=Models)

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
        return ServedModel(plan, str(plan.champion), nothing, nothing, lanes, left_out)

    def watch(self) -> PlanWatch:
        """Return a watch on this world."""
        return PlanWatch(
            known=lambda: self.known,
            ledger=_Ledger(self),
            copies=self,
            stand_up=self.stand_up,
            models=self.models,
            replica="r",
            clock=self,
            every_seconds=0.01,
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


def test_model_without_a_champion_waits() -> None:
    """Nothing is loaded, and its readiness says why."""
    world = World()
    world.watch().tick()
    assert world.serves() is None
    assert world.models.waiting() == {"m": "no version has been promoted yet"}


def test_new_plan_is_stood_up_kept_and_reported() -> None:
    """The ledger hears which revision and versions this replica serves."""
    world = World(plan=SECOND)
    world.watch().tick()
    assert world.serves() == 2
    assert world.copies["m"] == SECOND
    (report,) = world.reports
    assert (report.plan_revision, tuple(report.versions), report.ready) == (2, ("2", "1"), True)


def test_plan_that_stands_is_not_stood_up_again_but_reported_every_few_seconds() -> None:
    """A report is also a sign of life."""
    world = World(plan=FIRST)
    watch = world.watch()
    for _ in range(12):
        watch.tick()
        world.at += timedelta(seconds=1)
    assert world.stood_up == [1]
    assert [report.reported_at.second for report in world.reports] == [0, 5, 10]


def test_version_that_cannot_stand_leaves_the_old_plan_serving() -> None:
    """The failure is reported, and tried again after a rest."""
    world = World(plan=FIRST, broken={"2"})
    watch = world.watch()
    watch.tick()
    world.plan = SECOND
    for _ in range(3):
        watch.tick()
        world.at += timedelta(seconds=0.3)
    assert world.serves() == 1
    assert world.stood_up == [1, 2]
    assert not world.reports[-1].ready
    assert "fails its example" in world.reports[-1].detail
    world.broken.clear()
    world.at += timedelta(seconds=2)
    watch.tick()
    assert world.serves() == 2
    assert world.reports[-1].ready


def test_ledger_away_changes_nothing_for_a_model_that_serves() -> None:
    """Answering needs no ledger."""
    world = World(plan=FIRST)
    watch = world.watch()
    watch.tick()
    world.ledger_away = True
    world.plan = SECOND
    watch.tick()
    assert world.serves() == 1
    world.ledger_away = False
    watch.tick()
    assert world.serves() == 2


def test_replica_that_starts_without_the_ledger_serves_the_last_plan() -> None:
    """From the local copies of plan and versions."""
    world = World(ledger_away=True, copies={"m": FIRST})
    world.watch().tick()
    assert world.serves() == 1


def test_first_start_without_the_ledger_waits() -> None:
    """There is nothing to serve from, no crash, and no word on promotions that nobody could hear of."""
    world = World(ledger_away=True)
    world.watch().tick()
    assert world.serves() is None
    assert "the ledger cannot be reached" in world.models.waiting()["m"]


def test_damaged_local_plan_holds_up_its_own_model_only() -> None:
    """The others start from theirs, and the reason is said until the ledger is back."""
    world = World(ledger_away=True, copies={"m": FIRST}, damaged={"a"}, known=("a", "m"))
    watch = world.watch()
    watch.tick()
    assert world.serves() == 1
    assert world.models.failing() == ["a: the plan of a is damaged"]
    watch.tick()
    world.ledger_away = False
    watch.tick()
    assert world.models.failing() == []


def test_plan_that_the_disk_does_not_take_is_served_and_saved_later() -> None:
    """A full disk costs neither the replica nor the copy that it starts from next time."""
    world = World(plan=FIRST, disk_full=True)
    watch = world.watch()
    watch.tick()
    watch.tick()
    assert world.serves() == 1
    assert world.copies == {}
    world.disk_full = False
    world.ledger_away = True
    watch.tick()
    assert world.copies == {"m": FIRST}
    assert world.stood_up == [1]


def test_previous_version_that_could_not_stand_is_tried_again_after_a_rest() -> None:
    """The report says what is missing while the champion answers, and no longer once it stands."""
    world = World(plan=SECOND, absent={"1"})
    watch = world.watch()
    for _ in range(3):
        watch.tick()
        first = world.models.find("m")
        world.at += timedelta(seconds=0.9)
    assert world.stood_up == [2]
    assert (world.reports[-1].ready, tuple(world.reports[-1].versions)) == (True, ("2",))
    assert world.reports[-1].detail == "version 1 does not stand: the registry is away"
    watch.tick()
    assert world.stood_up == [2, 2]
    assert world.models.find("m") is first
    world.absent.clear()
    world.at += timedelta(seconds=2)
    watch.tick()
    watch.tick()
    assert world.stood_up == [2, 2, 2]
    assert (world.reports[-1].detail, tuple(world.reports[-1].versions)) == ("", ("2", "1"))


@pytest.mark.parametrize("error", [RuntimeError("odd"), OSError("disk")])
def test_background_thread_outlives_whatever_a_round_raises(error: Exception) -> None:
    """It is the only one that hears of a rollback."""
    world = World(plan=FIRST)
    rounds: list[int] = []

    def known() -> Sequence[str]:
        rounds.append(1)
        if len(rounds) == 1:
            raise error
        return ["m"]

    watch = world.watch()
    watch._known = known
    watch.start()
    _until(lambda: world.serves() == 1)
    watch.stop()
    assert len(rounds) > 1


def _until(true: Callable[[], bool]) -> None:

    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
