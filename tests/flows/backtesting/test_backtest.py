"""What new rules would have decided on a recorded log, beside what was decided."""

import io
import json
from datetime import datetime, timedelta

import pytest
from rich.console import Console

from flows.backtest import backtest
from flows.backtesting.looks import MOST_LOOKS, looks_at
from flows.backtesting.table import as_json, print_tried
from flows.backtesting.trials import recorded_decision, recorded_trials
from flows.backtesting.trying import Tried
from lifecycle.errors import InvalidInput
from lifecycle.outcome import Action, Outcome, decision_of
from lifecycle.plan import TrafficPlan, empty_plan
from lifecycle.policy import Policy
from lifecycle.verdict import Decision, Verdict
from stores.ledger.decisions import Decisions
from stores.prediction_log.table import PredictionLog
from tests.flows import toy
from tests.flows.supervision.conftest import SERVED, Workshop, rule, workshop  # noqa: F401 - a fixture

BEGAN = toy.START + timedelta(days=1)
HOUR = timedelta(hours=1)
FIRST = empty_plan("toy").promote("1", BEGAN)
SHADOWED = FIRST.start_shadow("2", BEGAN)
CANARIED = SHADOWED.start_canary(0.5, BEGAN + 10 * HOUR)
BACK = CANARIED.end_canary()
HISTORY = ((FIRST, BEGAN), (SHADOWED, BEGAN), (CANARIED, BEGAN + 10 * HOUR), (BACK, BEGAN + 30 * HOUR))


def decided(plan: TrafficPlan, action: Action, at: datetime, version: str = "2", arm: str = "") -> Decision:
    """Return a recorded decision about a version."""
    outcome = Outcome(action, version, Verdict.PASS, "so it was", ())
    evidence: dict[str, object] = {"evidence": {"arm": arm}} if arm else {}
    return decision_of(
        outcome,
        plan,
        decision_id=f"{action}-{plan.revision}-{version}",
        policy_revision="abc",
        actor="flow:supervise",
        decided_at=at,
        evidence=evidence,
    )


def recorded(place: Workshop) -> None:
    """Store the history, its decisions, and twenty hours of a canary that fails two times in three."""
    for plan, at in HISTORY:
        place.plans().write(plan, at)
    for made in (
        decided(SHADOWED, Action.START_CANARY, BEGAN + 10 * HOUR, arm="shadow"),
        decided(CANARIED, Action.ROLL_BACK, BEGAN + 30 * HOUR, arm="canary"),
    ):
        Decisions(place.engine).record(made)
    for hour in range(10, 30):
        when: dict[str, object] = {
            "moment_at": BEGAN + hour * HOUR,
            "served_at": SERVED + hour * timedelta(seconds=10),
            "plan_revision": 3,
        }
        place.write(
            [{"arm": "canary", "version": "2", "outcome": "failed" if n % 3 else "answered", **when} for n in range(12)]
        )
        place.write([{"arm": "control", "version": "1", **when} for n in range(12)])


def tried(place: Workshop, policy: Policy, since: datetime = BEGAN) -> dict[tuple[str, str], Tried]:
    """Return what a policy would have decided, by arm and version."""
    found = backtest(policy, since, HOUR, place.config, place.engine, definition=toy.DEFINITION)
    return {(each.trial.arm, each.trial.version): each for each in found}


def strict(place: Workshop, margin: float = 0.1) -> Policy:
    """Return the toy's policy with a margin on the canary's errors."""
    compared = {"worse_than": "champion", "by_more_than": margin}
    return place.policy(
        rule("shadow-errors", "shadow", "error_rate", **compared),
        rule("canary-errors", "canary", "error_rate", **compared),
        rule("champion-errors", "champion", "error_rate", above=0.9),
    )


def test_trials_are_told_apart_by_arm_version_and_beginning() -> None:
    """A step of its own begins a trial of its own; what had ended before the time asked for is left out."""
    found = {(each.arm, each.version): each for each in recorded_trials(HISTORY, BEGAN)}
    assert set(found) == {("champion", "1"), ("shadow", "2"), ("canary", "2")}
    assert (found["shadow", "2"].revisions(), found["shadow", "2"].ended_at) == ((2, 2), BEGAN + 10 * HOUR)
    assert (found["champion", "1"].revisions(), found["champion", "1"].ended_at) == ((1, 4), None)
    late = recorded_trials(HISTORY, BEGAN + 11 * HOUR)
    assert [(each.arm, each.version) for each in late] == [("champion", "1"), ("canary", "2")]
    steps = (*HISTORY[:3], (CANARIED.advance_canary(0.6, BEGAN + 20 * HOUR), BEGAN + 20 * HOUR))
    assert [each.since_revision for each in recorded_trials(steps, BEGAN) if each.arm == "canary"] == [3, 4]


def test_a_trials_decision_is_the_first_about_it_in_its_arm() -> None:
    """Not one about another version or arm, from before it or after it; a person's word counts in any arm."""
    (canary,) = [each for each in recorded_trials(HISTORY, BEGAN) if each.arm == "canary"]
    others = [
        decided(SHADOWED, Action.START_CANARY, BEGAN, arm="shadow"),
        decided(CANARIED, Action.ALARM, BEGAN, version="1", arm="champion"),
        decided(CANARIED, Action.ALARM, BEGAN, arm="shadow"),
    ]
    assert recorded_decision(canary, others) is None
    first, second = (decided(CANARIED, action, BEGAN + HOUR * n) for n, action in enumerate((Action.HOLD, Action.PIN)))
    assert recorded_decision(canary, [second, first, *others]) == first
    same_moment = decided(CANARIED, Action.HOLD, BEGAN + HOUR)
    assert recorded_decision(canary, [second, same_moment, *others]) == same_moment


def test_stricter_rules_would_have_acted_sooner(workshop: Workshop) -> None:  # noqa: F811 - the fixture
    """The same action, hours before, with the reason that its evidence gives."""
    recorded(workshop)
    found = tried(workshop, strict(workshop))["canary", "2"]
    assert found.recorded is not None
    assert (found.action, found.recorded.action, found.same) == (Action.ROLL_BACK, "roll_back", True)
    assert found.at is not None
    assert BEGAN + 10 * HOUR < found.at < found.recorded.decided_at
    assert "canary-errors" in found.reason


def test_laxer_rules_would_have_waited(workshop: Workshop) -> None:  # noqa: F811 - the fixture
    """What did not happen is said with the last look's reason."""
    recorded(workshop)
    found = tried(workshop, strict(workshop, margin=0.9))["canary", "2"]
    assert found.action is not Action.ROLL_BACK
    assert not found.same
    assert found.looks >= 1


def test_a_trial_without_rows_in_the_log_says_so(workshop: Workshop) -> None:  # noqa: F811 - the fixture
    """Nothing is concluded from nothing."""
    recorded(workshop)
    found = tried(workshop, strict(workshop))["shadow", "2"]
    assert (found.action, found.looks, found.same) == (None, 0, False)
    assert found.reason == "no predictions of it are in the log for this time"


def test_looks_follow_event_time_and_end_with_the_trial(workshop: Workshop) -> None:  # noqa: F811 - the fixture
    """In a replay an hour of events is seconds of the machine; each look sees what had been served by then."""
    recorded(workshop)
    (canary,) = [each for each in recorded_trials(HISTORY, BEGAN) if each.arm == "canary"]
    log = PredictionLog(workshop.config.prediction_log)
    looks = looks_at(log, canary, BEGAN, 5 * HOUR, (BEGAN + 12 * HOUR, BEGAN + 300 * HOUR))
    assert [(look.now - BEGAN) / HOUR for look in looks] == [12, 15, 20, 25, 29]
    assert [(look.until - SERVED).total_seconds() / 10 for look in looks] == [12, 15, 20, 25, 29]
    many = looks_at(log, canary, BEGAN, timedelta(seconds=1), ())
    assert MOST_LOOKS * 0.9 < len(many) <= MOST_LOOKS + 1


def test_looks_on_the_machines_clock_need_no_prediction_moments(workshop: Workshop) -> None:  # noqa: F811 - the fixture
    """Where nothing is replayed, a row is as old as its stamp, whatever moment it was for."""
    far = SERVED + timedelta(days=90)
    workshop.write([{"served_at": SERVED + n * HOUR, "moment_at": far} for n in range(3)])
    (trial,) = recorded_trials([(empty_plan("toy").promote("1", SERVED), SERVED)], SERVED)
    looks = looks_at(PredictionLog(workshop.config.prediction_log), trial, SERVED, HOUR, ())
    assert [(look.now, look.until) for look in looks] == [(SERVED + n * HOUR, SERVED + n * HOUR) for n in (1, 2)]


def test_what_was_found_is_a_table_and_json(workshop: Workshop) -> None:  # noqa: F811 - the fixture
    """People see both beside each other; programs read the same."""
    recorded(workshop)
    found = backtest(strict(workshop), BEGAN, HOUR, workshop.config, workshop.engine, definition=toy.DEFINITION)
    terminal = Console(width=200, record=True, file=io.StringIO())
    print_tried(found, terminal)
    text = terminal.export_text()
    assert "3 recorded trials by the new rules" in text
    assert "version 2 as canary, step 1 (50%)" in text
    assert "The same may come out earlier than it was decided" in text
    document = json.loads(json.dumps(as_json(found)))
    (canary,) = [each for each in document if each["arm"] == "canary"]
    assert (canary["decided"]["action"], canary["would_decide"]["action"], canary["same"]) == (
        "roll_back",
        "roll_back",
        True,
    )


def test_a_moment_without_a_zone_is_refused(workshop: Workshop) -> None:  # noqa: F811 - the fixture
    """Nobody knows which hour is meant."""
    with pytest.raises(InvalidInput, match="no time zone"):
        tried(workshop, strict(workshop), since=datetime(2020, 1, 2))  # noqa: DTZ001 - that is the point


def test_what_would_have_been_decided_later_needs_no_word_about_earlier(workshop: Workshop) -> None:  # noqa: F811 - the fixture
    """The reason is given where the question comes up."""
    recorded(workshop)
    found = backtest(strict(workshop, 0.9), BEGAN, HOUR, workshop.config, workshop.engine, definition=toy.DEFINITION)
    terminal = Console(width=200, record=True, file=io.StringIO())
    print_tried(found, terminal)
    assert "may come out earlier" not in terminal.export_text()
