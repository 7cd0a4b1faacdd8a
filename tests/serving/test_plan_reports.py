"""What a replica tells the ledger, and policies that change while it serves."""

from dataclasses import replace
from datetime import timedelta

from lifecycle.plan import CanaryArm, ShadowArm
from tests.serving.world import FIRST, SECOND, WRITTEN_AT, World


def test_changed_policy_stands_up_the_same_plan_again() -> None:
    """No restart and no new plan."""
    world = World(plan=FIRST)
    watch = world.watch()
    watch.tick()
    first = world.models.find("m")
    world.policies.policy = object()
    watch.tick()
    watch.tick()
    assert world.stood_up == [1, 1]
    now = world.models.find("m")
    assert now is not first
    assert now is not None
    assert now.policy is world.policies.policy


def test_policy_that_cannot_be_followed_is_said_in_the_report() -> None:
    """What stands goes on, and says so at once and when it is mended."""
    world = World(plan=FIRST)
    watch = world.watch()
    watch.tick()
    world.policies.wrong = "m.yaml line 3: owner is missing; add it"
    watch.tick()
    watch.tick()
    world.policies.wrong = None
    watch.tick()
    assert [report.detail for report in world.reports] == ["", "m.yaml line 3: owner is missing; add it", ""]
    assert all(report.ready for report in world.reports)


def test_policy_that_never_was_valid_holds_up_its_own_model_only() -> None:
    """The other models stand, and its readiness says why it does not."""
    world = World(plan=FIRST, known=("a", "m"))
    world.policies.invalid = {"a": "a.yaml line 1: model is missing; add it"}
    world.watch().tick()
    assert world.serves() == 1
    assert world.models.failing() == ["a: a.yaml line 1: model is missing; add it"]


def test_report_says_which_versions_are_left_out_and_why() -> None:
    """The shadow's among them, as soon as it is known."""
    plan = replace(SECOND, revision=3, shadow=ShadowArm("7", 3, WRITTEN_AT))
    world = World(plan=plan, absent={"1"})
    watch = world.watch()
    watch.tick()
    assert world.reports[-1].left_out == {"1": "the registry is away"}
    world.shadows.reason = "no process"
    watch.tick()
    assert world.reports[-1].left_out == {"1": "the registry is away", "7": "no process"}
    assert world.reports[-1].detail == "version 1 does not stand: the registry is away; no process"
    assert world.shadows.followed == [3, 3]


def test_shadow_whose_files_are_out_of_reach_is_not_reported_as_left_out() -> None:
    """Who is left out is rejected, and a registry that is away is no fault of a version's."""
    world = World(plan=replace(FIRST, revision=3, shadow=ShadowArm("7", 3, WRITTEN_AT)))
    world.shadows.reason, world.shadows.fault = "the registry is away", False
    world.watch().tick()
    assert [(report.left_out, report.detail) for report in world.reports] == [(None, "the registry is away")]


def test_canary_whose_files_are_out_of_reach_is_not_reported_as_left_out() -> None:
    """Neither is a canary rolled back for it; it stands as soon as its files can be had."""
    plan = replace(FIRST, revision=3, canary=CanaryArm("7", 0, 0.1, 3, WRITTEN_AT, 3))
    world = World(plan=plan, absent={"7"}, out_of_reach=frozenset({"7"}))
    watch = world.watch()
    watch.tick()
    assert [report.left_out for report in world.reports] == [None]
    assert world.reports[-1].detail == "version 7 does not stand: the registry is away"
    world.absent, world.at = set(), world.at + timedelta(seconds=3)
    watch.tick()
    assert world.reports[-1].versions == ("1", "7")


def test_version_that_still_loads_is_asked_for_at_every_round_and_not_reported_as_left_out() -> None:
    """Nothing is wrong with it yet."""
    world = World(plan=SECOND, loading=["7"])
    watch = world.watch()
    watch.tick()
    watch.tick()
    assert world.stood_up == [2, 2]
    assert [(report.ready, report.left_out, report.detail) for report in world.reports] == [(True, None, "")]
    world.loading = []
    world.plan = replace(SECOND, revision=3)
    watch.tick()
    watch.tick()
    assert world.stood_up == [2, 2, 3]


def test_shadow_s_figures_are_repeated_with_the_heartbeat_and_its_trouble_at_once() -> None:
    """A crash must not wait for the next sign of life; a counter may."""
    world = World(plan=FIRST)
    watch = world.watch()
    for rows, trouble in ((1, ""), (2, ""), (2, "it crashed")):
        world.shadows.figures = {"mirrored_rows": rows, "trouble": trouble}
        watch.tick()
    assert [report.shadow for report in world.reports] == [
        {"mirrored_rows": 1, "trouble": ""},
        {"mirrored_rows": 2, "trouble": "it crashed"},
    ]


def test_replica_whose_event_loop_stands_still_is_not_ready_and_says_so_at_once() -> None:
    """It follows every plan meanwhile, and serves none of them."""
    world = World(plan=FIRST)
    watch = world.watch()
    watch.tick()
    world.still = "does not answer: its event loop has stood still for 2 s while version 1 of m scores"
    watch.tick()
    watch.tick()
    world.plan = SECOND
    watch.tick()
    world.still = None
    watch.tick()
    assert [(report.plan_revision, report.ready) for report in world.reports] == [
        (1, True),
        (1, False),
        (2, False),
        (2, True),
    ]
    assert [report.detail for report in world.reports] == [
        "",
        "does not answer: its event loop has stood still for 2 s while version 1 of m scores",
        "does not answer: its event loop has stood still for 2 s while version 1 of m scores",
        "",
    ]


def test_version_that_hung_is_left_out_in_every_report() -> None:
    """Said by the watchdog's thread at once, it must not be taken back by the next round."""
    world = World(plan=FIRST)
    watch = world.watch()
    watch.report("m")
    assert world.reports == []
    watch.tick()
    world.hung = {"1": "hung: 1 row without scores after 5.0 s"}
    watch.report("m")
    watch.tick()
    world.at += timedelta(seconds=6)
    watch.tick()
    assert [report.left_out for report in world.reports] == [None, world.hung, world.hung]
