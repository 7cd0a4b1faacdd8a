"""A version climbs, waits, or is taken back, on a real ledger and a real log."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.supervision.tick import tick
from flows.supervision.verification import Verification
from lifecycle.errors import PolicyInvalid
from lifecycle.evidence import Evidence
from lifecycle.outcome import Action, Outcome
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from lifecycle.rejudging import judge_again
from lifecycle.stages import Stage
from lifecycle.verdict import Decision
from stores.ledger.decisions import Decisions
from stores.ledger.progress import Progress
from tests.flows import toy
from tests.flows.supervision.climbing import FAILED, climb, crown, desk_of, log_canary, log_shadow
from tests.flows.supervision.conftest import NOW, Workshop

ROOT = Path(__file__).resolve().parents[3]
DYING = """
import os, signal, sys
from sqlalchemy import event
from stores.ledger.opening import connect
from tests.flows.supervision.climbing import climb
engine, left = connect(sys.argv[1]), [int(sys.argv[2])]
def count(*_):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
event.listen(engine, "begin", count)
event.listen(engine, "commit", count)
print(climb(sys.argv[1], 50, engine))
"""


def actions(workshop: Workshop) -> list[tuple[str, str]]:
    """Return every stored action with its version, in the order of the plan revisions they were made from."""
    made = sorted(Decisions(workshop.engine).of("toy"), key=lambda decision: decision.plan_revision)
    return [(decision.action, decision.version) for decision in made]


def stages(workshop: Workshop) -> dict[str, Stage]:
    """Return where each version stands."""
    return {version: standing.stage for version, standing in workshop.standings().of("toy").items()}


def come_to(workshop: Workshop, hours: float) -> None:
    """Set the replayed clock."""
    Progress(workshop.engine).set_replay(NOW + timedelta(hours=hours))


def demand(workshop: Workshop, old: str, new: str) -> None:
    """Change the policy's file."""
    file = workshop.config.policies / "toy.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_good_version_climbs_from_shadow_through_canary_to_champion(workshop: Workshop) -> None:
    """Each step is a decision with its numbers, and the one before is the way back."""
    crown(workshop)
    workshop.meet("2")
    desk = desk_of(workshop)
    assert [outcome.action for outcome in tick(desk)] == [Action.START_SHADOW]
    log_shadow(workshop, 300)
    assert [outcome.action for outcome in tick(desk)] == [Action.START_CANARY]
    log_canary(workshop, 300)
    assert [outcome.action for outcome in tick(desk)] == [Action.PROMOTE]
    plan = workshop.plans().current("toy")
    assert (plan.champion, plan.previous, plan.canary, plan.shadow, plan.revision) == ("2", "1", None, None, 4)
    assert stages(workshop) == {"1": Stage.RETIRED, "2": Stage.CHAMPION}
    assert tick(desk) == ()


def test_decision_can_be_judged_again_from_what_is_stored(workshop: Workshop) -> None:
    """Evidence, policy, plan and moment lead to the same verdict."""
    crown(workshop)
    workshop.meet("2")
    desk = desk_of(workshop)
    tick(desk)
    log_shadow(workshop, 100, failing=90)
    (rejected,) = tick(desk)
    stored = next(made for made in Decisions(workshop.engine).of("toy") if made.action == "reject")
    assert set(stored.evidence) == {"evidence", "policy", "plan", "now"}
    assert (stored.actor, stored.decided_at, stored.plan_revision) == ("flow:supervise", NOW, 2)
    assert (stored.verdict, stored.reason, stored.findings) == (rejected.verdict, rejected.reason, rejected.findings)
    again = judge_again(stored)
    assert (again.verdict, again.reason) == (stored.verdict, stored.reason)


def test_bad_version_is_rejected_in_shadow_and_the_next_one_follows(workshop: Workshop) -> None:
    """Its place is free at once."""
    crown(workshop)
    workshop.meet("2", "3")
    desk = desk_of(workshop)
    tick(desk)
    log_shadow(workshop, 100, failing=90)
    assert [(outcome.action, outcome.version) for outcome in tick(desk)] == [
        (Action.REJECT, "2"),
        (Action.START_SHADOW, "3"),
    ]
    assert stages(workshop) == {"1": Stage.CHAMPION, "2": Stage.REJECTED, "3": Stage.SHADOW}


def test_version_that_fails_in_canary_is_rolled_back(workshop: Workshop) -> None:
    """The champion answers for everybody again."""
    crown(workshop)
    workshop.meet("2")
    desk = desk_of(workshop)
    tick(desk)
    log_shadow(workshop, 300)
    tick(desk)
    log_canary(workshop, 100, failing=80)
    assert [outcome.action for outcome in tick(desk)] == [Action.ROLL_BACK]
    plan = workshop.plans().current("toy")
    assert (plan.champion, plan.canary) == ("1", None)
    assert stages(workshop) == {"1": Stage.CHAMPION, "2": Stage.ROLLED_BACK}


def test_champion_that_begins_to_fail_gives_way_to_the_one_before(workshop: Workshop) -> None:
    """The most urgent of all, so it comes first."""
    workshop.meet("1", "2")
    crown(workshop, "1")
    crown(workshop, "2")
    for second in range(0, 600, 30):
        failed = FAILED if second >= 300 else {}
        at = datetime.now(UTC) - timedelta(minutes=15) + timedelta(seconds=second)
        workshop.write([{"version": "2", "plan_revision": 2, "served_at": at, **failed}] * 10)
    assert [(outcome.action, outcome.version) for outcome in tick(desk_of(workshop))] == [(Action.ROLL_BACK, "2")]
    plan = workshop.plans().current("toy")
    assert (plan.champion, plan.previous) == ("1", None)
    assert stages(workshop) == {"1": Stage.CHAMPION, "2": Stage.ROLLED_BACK}


def test_thin_evidence_waits_then_holds_and_pages_once(workshop: Workshop) -> None:
    """By the replayed clock: not a minute of the wall's has to pass."""
    crown(workshop)
    workshop.meet("2")
    paged: list[Decision] = []
    desk = desk_of(workshop, paged)
    tick(desk)
    log_shadow(workshop, 5)
    come_to(workshop, 99)
    assert tick(desk) == ()
    come_to(workshop, 101)
    assert [outcome.action for outcome in tick(desk)] == [Action.HOLD]
    assert tick(desk) == ()
    assert [decision.action for decision in paged] == ["hold"]
    assert workshop.plans().current("toy").held is not None
    assert stages(workshop)["2"] is Stage.HELD


def test_hold_of_so_many_hours_is_counted_in_the_replays_time(workshop: Workshop) -> None:
    """A version that has proven everything still stays its time."""
    demand(
        workshop,
        '"minimum_hours":0.0,"minimum_answers":20,"minimum_labels":0,"longest',
        '"minimum_hours":24.0,"minimum_answers":20,"minimum_labels":0,"longest',
    )
    crown(workshop)
    workshop.meet("2")
    desk = desk_of(workshop)
    tick(desk)
    log_shadow(workshop, 300)
    come_to(workshop, 23)
    assert tick(desk) == ()
    come_to(workshop, 25)
    assert [outcome.action for outcome in tick(desk)] == [Action.START_CANARY]


def test_nothing_starts_beside_no_champion_a_held_plan_or_without_checked_files(workshop: Workshop) -> None:
    """A shadow needs somebody to be compared with."""
    desk = desk_of(workshop)
    workshop.meet("2")
    assert tick(desk) == ()
    crown(workshop, "1")
    plan = workshop.plans().current("toy")
    workshop.plans().write(plan.hold("a person looks at it"), NOW)
    assert tick(desk) == ()


def test_version_that_nobody_checked_does_not_enter_shadow(workshop: Workshop) -> None:
    """It was met, and its files are not pinned."""
    crown(workshop)
    workshop.standings().meet("toy", "2", None, NOW)
    assert tick(desk_of(workshop)) == ()


def test_alarm_is_stored_and_paged_once_for_a_plan_revision(workshop: Workshop) -> None:
    """A pinned champion that fails is a person's matter; telling them every two seconds helps nobody."""
    crown(workshop)
    workshop.plans().write(workshop.plans().current("toy").pin("the board is watching"), NOW)
    workshop.write([{"plan_revision": 2, "served_at": datetime.now(UTC), **FAILED}] * 200)
    paged: list[Decision] = []
    assert [outcome.action for outcome in tick(desk_of(workshop, paged))] == [Action.ALARM]
    # Another process knows from the ledger that it was said.
    assert tick(desk_of(workshop, paged)) == ()
    assert [decision.action for decision in paged] == ["alarm"]


def impatient(workshop: Workshop) -> tuple[Action, ...]:
    """Tick with replicas that have had their time."""
    desk = desk_of(workshop)
    desk.verification = Verification(patience_seconds=0.0)
    return tuple(outcome.action for outcome in tick(desk))


def test_replica_that_stays_on_an_older_plan_is_an_alarm_that_names_it(workshop: Workshop) -> None:
    """A promotion nobody serves is no promotion; said once for each revision."""
    crown(workshop)
    workshop.report(replica="fast", plan_revision=1)
    workshop.report(replica="slow", plan_revision=0)
    assert impatient(workshop) == (Action.ALARM,)
    assert impatient(workshop) == ()
    (alarm,) = [made for made in Decisions(workshop.engine).of("toy") if made.action == "alarm"]
    assert "1 of 2 replicas do not serve plan revision 1" in alarm.reason
    assert "slow (0)" in alarm.reason
    workshop.report(replica="slow", plan_revision=1)
    workshop.plans().write(workshop.plans().current("toy").hold("x"), NOW)
    assert impatient(workshop) == (Action.ALARM,)


def test_replicas_that_serve_the_plan_are_no_alarm(workshop: Workshop) -> None:
    """Nothing is stored about what is as it should be."""
    crown(workshop)
    workshop.report(plan_revision=1)
    assert impatient(workshop) == ()


def test_plan_that_no_replica_serves_is_an_alarm(workshop: Workshop) -> None:
    """All of them being gone is the worst of being behind."""
    crown(workshop)
    assert impatient(workshop) == (Action.ALARM,)


def test_replicas_have_some_seconds_to_follow(workshop: Workshop) -> None:
    """A new version takes its time to load and to prove itself."""
    verification = Verification(patience_seconds=60.0)
    assert verification.judge(TrafficPlan("toy", 4, "1", None), ()) is None


CLIMBED = [("promote", "1"), ("start_shadow", "2"), ("start_canary", "2"), ("promote", "2")]


@pytest.fixture
def prepared(workshop: Workshop) -> Workshop:
    """Return a workshop in which ticks alone make version 2 champion."""
    crown(workshop)
    workshop.meet("2")
    log_shadow(workshop, 300)
    log_canary(workshop, 300)
    return workshop


def start(arguments: Sequence[str]) -> subprocess.Popen[str]:
    """Start a supervisor of its own process on the same state folder."""
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ}
    )


def test_two_supervisors_that_race_change_nothing_twice(prepared: Workshop) -> None:
    """Real processes on one ledger, without a lease between them: whoever is second stores nothing."""
    address = prepared.config.ledger_address
    racers = [start(["-m", "tests.flows.supervision.climbing", address, "50"]) for _ in range(3)]
    assert [racer.communicate(timeout=120)[0][-1] for racer in racers] == ["2", "2", "2"]
    assert actions(prepared) == CLIMBED
    assert prepared.plans().current("toy").revision == 4


@pytest.mark.parametrize("death", [6, 9, 10, 19, 20, 32, 33])
def test_supervisor_that_was_killed_goes_on_where_the_ledger_stands(prepared: Workshop, death: int) -> None:
    """Killed with SIGKILL at some transaction's begin or commit, the next one ends the climb, each step made once."""
    address = prepared.config.ledger_address
    dying = start(["-c", DYING, address, str(death)])
    dying.communicate(timeout=120)
    assert dying.returncode == -signal.SIGKILL
    assert climb(address, 50) == "2"
    assert actions(prepared) == CLIMBED
    assert stages(prepared) == {"1": Stage.RETIRED, "2": Stage.CHAMPION}


def test_policy_that_is_broken_meanwhile_keeps_the_watch_by_the_last_valid_one(workshop: Workshop) -> None:
    """A slip of the pen must not leave a failing canary with users."""
    crown(workshop)
    workshop.meet("2")
    desk = desk_of(workshop)
    tick(desk)
    log_shadow(workshop, 300)
    assert [outcome.action for outcome in tick(desk)] == [Action.START_CANARY]
    demand(workshop, "owner:", "ovner:")
    log_canary(workshop, 300, failing=250)
    assert [outcome.action for outcome in tick(desk)] == [Action.ROLL_BACK]
    with pytest.raises(PolicyInvalid):
        tick(desk_of(workshop))


def test_policy_whose_rules_ask_for_no_slice_there_is_keeps_the_last_valid_one(workshop: Workshop) -> None:
    """A veto over a misspelt slice would judge nothing, and so veto nothing."""
    crown(workshop)
    desk = desk_of(workshop)
    before = desk.policy()
    demand(workshop, "in_slices_of: [site]", "in_slices_of: [sight]")
    assert desk.policy() == before
    with pytest.raises(PolicyInvalid, match="'sight', which toy does not have; did you mean site"):
        desk_of(workshop).policy()


def test_arm_that_cannot_be_looked_at_does_not_shield_the_others(workshop: Workshop) -> None:
    """What is wrong with it is said once nothing more urgent was done."""
    crown(workshop)
    workshop.meet("2")
    desk = desk_of(workshop)
    tick(desk)
    log_shadow(workshop, 100, failing=90)
    judge = desk.decide

    def decide(plan: TrafficPlan, policy: Policy, evidence: Evidence, now: datetime) -> Outcome:
        if evidence.arm == "champion":
            raise ValueError("no number")
        return judge(plan, policy, evidence, now)

    desk.decide = decide
    assert [outcome.action for outcome in tick(desk)] == [Action.REJECT]
    with pytest.raises(ValueError, match="no number"):
        tick(desk)


def test_another_models_rows_change_nothing(workshop: Workshop) -> None:
    """Models share the log and the ledger, and nothing else."""
    crown(workshop)
    workshop.write([{"model": "other", "plan_revision": 1, **FAILED}] * 100)
    assert tick(desk_of(workshop)) == ()
    assert toy.DEFINITION.name == "toy"
