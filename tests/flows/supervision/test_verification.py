"""Replicas that have the plan and do not answer, and what a hung version leads to."""

from datetime import UTC, datetime, timedelta

from flows.supervision.tick import tick
from flows.supervision.verification import Verification
from lifecycle.outcome import Action
from lifecycle.plan import TrafficPlan
from lifecycle.stages import Stage
from lifecycle.trial import STANDS
from stores.ledger.arms import ArmReport
from stores.ledger.decisions import Decisions
from tests.flows.supervision.climbing import crown, desk_of
from tests.flows.supervision.conftest import Workshop

AT = datetime(2013, 4, 1, 12, tzinfo=UTC)
PLAN = TrafficPlan("toy", 4, "1", None)
STILL = "does not answer: its event loop has stood still for 12 s while version 1 of toy scores"
HUNG = "hung: 1 row without scores after 5.0 s; 5 s are allowed, and nobody was answered meanwhile"


def report(seconds: float, replica: str = "r", *, ready: bool = False) -> ArmReport:
    """Return a replica's word that it has the plan, so many seconds after the first."""
    said = "" if ready else STILL
    return ArmReport("toy", replica, 4, ("1",), ready, said, AT + timedelta(seconds=seconds))


def patient(seconds: float) -> Verification:
    """Return a verification that has seen the plan long ago, and gives replicas so many seconds."""
    verification = Verification(seconds)
    verification.judge(PLAN, (report(-60, ready=True),))
    verification._since -= 60.0
    return verification


def test_replica_that_has_the_plan_and_does_not_answer_is_an_alarm_after_its_time() -> None:
    """With its own word why."""
    verification = patient(10.0)
    assert verification.judge(PLAN, (report(0), report(0, "other", ready=True))) is None
    assert verification.judge(PLAN, (report(8), report(8, "other", ready=True))) is None
    outcome = verification.judge(PLAN, (report(10), report(10, "other", ready=True)))
    assert outcome is not None
    assert outcome.action is Action.ALARM
    assert outcome.reason == (
        f"1 of 2 replicas do not serve plan revision 4 10 s after it was seen: r (4, {STILL}); look at their logs"
    )


def test_replica_that_answers_again_in_between_is_no_alarm() -> None:
    """Each time it does not, its time begins anew."""
    verification = patient(10.0)
    for seconds in range(0, 60, 6):
        assert verification.judge(PLAN, (report(seconds, ready=seconds % 12 == 0),)) is None


def test_last_word_of_a_replica_that_died_is_no_alarm() -> None:
    """It says nothing any longer; whether another one came in its place, that one's reports tell."""
    verification = patient(10.0)
    for _ in range(10):
        assert verification.judge(PLAN, (report(0), report(0, "successor", ready=True))) is None


def test_champion_that_hung_gives_way_on_the_word_of_a_replica_that_has_died(workshop: Workshop) -> None:
    """Its report outlives it by some seconds, and nothing else is needed."""
    workshop.meet("1", "2")
    crown(workshop, "1")
    crown(workshop, "2")
    workshop.report(replica="alive", plan_revision=2)
    workshop.report(
        replica="dead",
        plan_revision=2,
        ready=False,
        detail=STILL,
        left_out={"2": HUNG},
        reported_at=datetime.now(UTC) - timedelta(seconds=6),
    )
    assert [(outcome.action, outcome.version) for outcome in tick(desk_of(workshop))] == [(Action.ROLL_BACK, "2")]
    assert workshop.plans().current("toy").champion == "1"
    assert workshop.standings().get("toy", "2").stage is Stage.ROLLED_BACK
    (made,) = [made for made in Decisions(workshop.engine).of("toy") if made.action == "roll_back"]
    assert made.reason.startswith(f"{STANDS}: dead: {HUNG}")
    assert [outcome.action for outcome in tick(desk_of(workshop))] == []


def test_champion_that_hung_without_a_way_back_is_held_and_paged_once(workshop: Workshop) -> None:
    """A person must choose another one."""
    workshop.meet("1")
    crown(workshop, "1")
    workshop.report(plan_revision=1, ready=False, detail=STILL, left_out={"1": HUNG})
    assert [outcome.action for outcome in tick(desk_of(workshop))] == [Action.HOLD]
    assert [outcome.action for outcome in tick(desk_of(workshop))] == []
