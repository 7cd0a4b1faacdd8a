"""Following the plans, whatever is away."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from tests.serving.world import FIRST, SECOND, World


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


def test_replica_that_starts_under_a_plan_nobody_can_follow_serves_the_last_one() -> None:
    """As the replicas beside it do; it says so, and follows as soon as it can."""
    world = World(plan=SECOND, broken={"2"}, copies={"m": FIRST})
    watch = world.watch()
    watch.tick()
    assert world.serves() == 1
    assert world.models.failing() == []
    assert not world.reports[-1].ready
    assert "fails its example" in world.reports[-1].detail
    assert world.copies["m"] == FIRST
    world.broken.clear()
    world.at += timedelta(seconds=2)
    watch.tick()
    assert world.serves() == 2


def test_replica_that_can_follow_neither_plan_waits() -> None:
    """Its readiness says what is wrong with the newest one."""
    world = World(plan=SECOND, broken={"1", "2"}, copies={"m": FIRST})
    world.watch().tick()
    assert world.serves() is None
    assert world.models.failing() == ["m: version 2 fails its example"]


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
