"""A decision and what follows from it stand together or not at all."""

import subprocess
import sys
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from lifecycle.errors import Conflict, TransitionRefused
from lifecycle.outcome import StageChange
from lifecycle.plan import TrafficPlan
from lifecycle.stages import Stage
from lifecycle.verdict import Decision, Verdict
from stores.ledger.changes import Changes
from stores.ledger.decisions import Decisions
from stores.ledger.plans import Plans
from stores.ledger.standings import Standings
from tests.stores.ledger.test_standings import MANIFEST

NOW = datetime(2026, 1, 1, tzinfo=UTC)

RACER = """
import sys
from datetime import UTC, datetime
from uuid import uuid4
from lifecycle.errors import Conflict
from lifecycle.verdict import Decision, Verdict
from stores.ledger.changes import Changes
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
engine = open_ledger(sys.argv[1])
won = 0
for turn in range(20):
    plan = Plans(engine).current("m")
    following = plan.hold(f"{sys.argv[2]} {turn}")
    now = datetime.now(UTC)
    decision = Decision(uuid4().hex, "m", "1", "hold", Verdict.FAIL, "", (), "p", plan.revision, "racer", now)
    try:
        Changes(engine).apply(decision, now, following)
        won += 1
    except Conflict:
        pass
print(won)
"""


def decision(plan: TrafficPlan, decision_id: str | None = None) -> Decision:
    """Return a decision made from a plan."""
    named = decision_id or uuid4().hex
    return Decision(named, "m", "1", "promote", Verdict.PASS, "it may", (), "p", plan.revision, "test", NOW)


def test_decision_plan_and_stages_are_stored_together(ledger: Engine) -> None:
    """One look at the ledger shows all three."""
    Standings(ledger).meet("m", "1", None, NOW)
    plan = Plans(ledger).current("m")
    Changes(ledger).apply(decision(plan), NOW, plan.promote("1", NOW), (StageChange("1", Stage.CHAMPION),))
    assert Plans(ledger).current("m").champion == "1"
    standing = Standings(ledger).get("m", "1")
    assert (standing.stage, standing.reason, standing.changed_at) == (Stage.CHAMPION, "it may", NOW)
    assert [made.action for made in Decisions(ledger).of("m")] == ["promote"]


def test_version_that_is_met_by_a_decision_is_there_with_it(ledger: Engine) -> None:
    """Nobody sees a judged version before its judgement."""
    plan = Plans(ledger).current("m")
    Changes(ledger).apply(decision(plan), NOW, None, (StageChange("1", Stage.REJECTED),), MANIFEST)
    standing = Standings(ledger).get("m", "1")
    assert (standing.stage, standing.manifest) == (Stage.REJECTED, MANIFEST)


def test_version_that_is_met_by_a_refused_change_stays_unknown(ledger: Engine) -> None:
    """It is met by the decision that stands."""
    plan = Plans(ledger).current("m")
    with pytest.raises(TransitionRefused):
        Changes(ledger).apply(decision(plan), NOW, None, (StageChange("1", Stage.RETIRED),), MANIFEST)
    assert Standings(ledger).of("m") == {}


def test_move_that_is_refused_takes_plan_and_decision_with_it(ledger: Engine) -> None:
    """Nothing is half done."""
    Standings(ledger).meet("m", "1", None, NOW)
    plan = Plans(ledger).current("m")
    with pytest.raises(TransitionRefused):
        Changes(ledger).apply(decision(plan), NOW, plan.promote("1", NOW), (StageChange("1", Stage.CANARY),))
    assert Plans(ledger).current("m") == plan
    assert Decisions(ledger).of("m") == ()


def test_decision_from_a_plan_that_no_longer_stands_is_refused(ledger: Engine) -> None:
    """Also one that changes no traffic: it was judged from what is no longer so."""
    stale = Plans(ledger).current("m")
    Changes(ledger).apply(decision(stale), NOW, stale.promote("1", NOW))
    with pytest.raises(Conflict, match="plan revision 0 of m, but 1 stands now"):
        Changes(ledger).apply(decision(stale), NOW)
    assert len(Decisions(ledger).of("m")) == 1


def test_same_decision_a_second_time_is_refused(ledger: Engine) -> None:
    """A decision's name is its own, so one that names itself by its cause is made once."""
    plan = Plans(ledger).current("m")
    Changes(ledger).apply(decision(plan, "because"), NOW)
    with pytest.raises(Conflict):
        Changes(ledger).apply(decision(plan, "because"), NOW)
    assert len(Decisions(ledger).of("m")) == 1


def test_two_processes_that_race_leave_one_decision_for_each_revision(ledger: Engine) -> None:
    """Whoever is second has nothing stored, neither plan nor decision."""
    address = str(ledger.url)
    racers = [
        subprocess.Popen([sys.executable, "-c", RACER, address, name], stdout=subprocess.PIPE, text=True)
        for name in ("a", "b")
    ]
    wins = sum(int(racer.communicate(timeout=120)[0]) for racer in racers)
    assert [racer.returncode for racer in racers] == [0, 0]
    made = Decisions(ledger).of("m")
    assert Plans(ledger).current("m").revision == wins == len(made)
    assert sorted(each.plan_revision for each in made) == list(range(wins))
