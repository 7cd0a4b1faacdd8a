"""A person's word: what each does in each state of a plan, and what is refused instead."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle import overrides
from lifecycle.errors import TransitionRefused
from lifecycle.outcome import Action, Outcome, StageChange
from lifecycle.plan import TrafficPlan, empty_plan
from lifecycle.stages import Stage, move
from lifecycle.verdict import Verdict

BEGAN = datetime(2013, 4, 1, tzinfo=UTC)
NOW = BEGAN + timedelta(hours=5)
WHY = "the pager went off"

FIRST = empty_plan("m").promote("1", BEGAN)
SERVING = FIRST.promote("2", BEGAN)
SHADOWED = SERVING.start_shadow("3", BEGAN)
CANARIED = SHADOWED.start_canary(0.1, BEGAN)
BOTH = CANARIED.start_shadow("4", BEGAN)
PLANS = {
    "empty": empty_plan("m"),
    "first": FIRST,
    "serving": SERVING,
    "shadowed": SHADOWED,
    "canaried": CANARIED,
    "both": BOTH,
    "held": BOTH.hold("too long"),
    "pinned": BOTH.pin("a holiday"),
}
WORDS: Mapping[str, Callable[..., Outcome]] = {
    "roll_back": overrides.roll_back,
    "hold": overrides.hold,
    "resume": overrides.resume,
    "promote": overrides.promote,
    "pin": overrides.pin,
}


def stages_of(plan: TrafficPlan) -> dict[str, Stage]:
    """Return where every version of a plan stands, versions 7 to 9 being bystanders."""
    stages = {"7": Stage.REJECTED, "8": Stage.ROLLED_BACK, "9": Stage.REGISTERED}
    if plan.previous:
        stages[plan.previous] = Stage.RETIRED
    if plan.champion:
        stages[plan.champion] = Stage.CHAMPION
    if plan.canary:
        stages[plan.canary.version] = Stage.HELD if plan.held else Stage.CANARY
    if plan.shadow:
        stages[plan.shadow.version] = Stage.HELD if plan.held else Stage.SHADOW
    return stages


def say(word: str, plan: TrafficPlan, **options: str) -> Outcome:
    """Return what a word does to a plan."""
    return WORDS[word](plan, stages_of(plan), NOW, WHY, **options)


def told(outcome: Outcome) -> dict[str, Stage]:
    """Return the stage that each version moves to."""
    return {change.version: change.stage for change in outcome.stages}


BACK = {"3": Stage.ROLLED_BACK}
WAIT = {"3": Stage.HELD, "4": Stage.HELD}
CHAMPION_3 = {"2": Stage.RETIRED, "3": Stage.CHAMPION}


@pytest.mark.parametrize(
    ("word", "state", "version", "moves"),
    [
        ("roll_back", "serving", "2", {"2": Stage.ROLLED_BACK, "1": Stage.CHAMPION}),
        ("roll_back", "shadowed", "2", {"2": Stage.ROLLED_BACK, "1": Stage.CHAMPION}),
        ("roll_back", "canaried", "3", BACK),
        ("roll_back", "both", "3", BACK),
        ("roll_back", "held", "3", BACK),
        ("roll_back", "pinned", "3", BACK),
        ("hold", "first", "1", {}),
        ("hold", "serving", "2", {}),
        ("hold", "shadowed", "3", {"3": Stage.HELD}),
        ("hold", "canaried", "3", {"3": Stage.HELD}),
        ("hold", "both", "3", WAIT),
        ("resume", "held", "3", {"3": Stage.CANARY, "4": Stage.SHADOW}),
        ("resume", "pinned", "3", {"3": Stage.CANARY, "4": Stage.SHADOW}),
        ("promote", "shadowed", "3", CHAMPION_3),
        ("promote", "canaried", "3", CHAMPION_3),
        ("promote", "both", "3", CHAMPION_3),
        ("promote", "held", "3", CHAMPION_3),
        ("pin", "first", "1", {}),
        ("pin", "serving", "2", {}),
        ("pin", "shadowed", "2", {"3": Stage.HELD}),
        ("pin", "canaried", "2", {"3": Stage.HELD}),
        ("pin", "both", "2", WAIT),
        ("pin", "held", "2", {}),
    ],
)
def test_a_possible_word_makes_one_next_revision(
    word: str, state: str, version: str, moves: Mapping[str, Stage]
) -> None:
    """It names its version, moves stages as the table of transitions lists, and claims no rule's verdict."""
    plan = PLANS[state]
    outcome = say(word, plan)
    assert outcome.plan is not None
    assert (outcome.version, told(outcome), outcome.plan.revision) == (version, moves, plan.revision + 1)
    assert (outcome.verdict, outcome.findings) == (Verdict.INCONCLUSIVE, ())
    assert WHY in outcome.reason
    for change in outcome.stages:
        assert move(stages_of(plan)[change.version], change.stage) is change.stage


@pytest.mark.parametrize(
    ("word", "state", "words"),
    [
        *((word, "empty", "nothing serves for m yet") for word in WORDS),
        ("roll_back", "first", "no previous champion"),
        ("hold", "held", "m is held already: too long.*possible now: resume"),
        ("hold", "pinned", "m is pinned already: a holiday"),
        *(("resume", state, "is not held") for state in ("first", "serving", "shadowed", "canaried", "both")),
        *(("promote", state, "no version on trial; versions that may") for state in ("first", "serving")),
        ("promote", "pinned", "pinned: a holiday. Possible now: resume"),
        ("pin", "pinned", "version 2 of m is pinned already"),
    ],
)
def test_an_impossible_word_is_refused_with_what_is_possible(word: str, state: str, words: str) -> None:
    """Together with the table above this is every word in every state of a plan."""
    with pytest.raises(TransitionRefused, match=words):
        say(word, PLANS[state])


def test_rolling_back_the_canary_gives_its_units_to_the_champion() -> None:
    """The shadow and the way back stay as they were."""
    plan = say("roll_back", BOTH).plan
    assert plan == replace(BOTH, revision=BOTH.revision + 1, canary=None)


def test_the_arm_can_be_chosen() -> None:
    """A shadow is rejected, and the champion goes back although a canary stands."""
    shadow = say("roll_back", BOTH, arm="shadow")
    assert (shadow.action, told(shadow)) == (Action.REJECT, {"4": Stage.REJECTED})
    assert shadow.plan is not None
    assert (shadow.plan.shadow, shadow.plan.canary) == (None, BOTH.canary)
    champion = say("roll_back", BOTH, arm="champion")
    assert champion.plan is not None
    assert (champion.plan.champion, champion.plan.previous) == ("1", None)


@pytest.mark.parametrize(("state", "arm"), [("serving", "canary"), ("canaried", "shadow"), ("first", "champion")])
def test_an_empty_arm_cannot_be_rolled_back(state: str, arm: str) -> None:
    """Nothing is taken for something else."""
    with pytest.raises(TransitionRefused):
        say("roll_back", PLANS[state], arm=arm)


@pytest.mark.parametrize(("version", "arm"), [("2", "champion"), ("3", "canary"), ("4", "shadow")])
def test_a_version_is_found_in_its_arm(version: str, arm: str) -> None:
    """A person may name the version instead of the arm."""
    assert overrides.arm_of(BOTH, version) == arm


def test_a_version_without_traffic_stands_in_no_arm() -> None:
    """The message says who stands where; saying a roll back twice therefore changes nothing twice."""
    with pytest.raises(TransitionRefused, match="champion 2, canary 3, shadow 4"):
        overrides.arm_of(BOTH, "1")


@pytest.mark.parametrize("word", ["promote", "pin"])
@pytest.mark.parametrize("version", ["1", "3", "4", "8"])
def test_a_version_on_trial_or_one_that_served_may_be_champion(word: str, version: str) -> None:
    """Canary, shadow, retired, and rolled back, which a person alone may name."""
    outcome = say(word, BOTH, version=version)
    assert outcome.plan is not None
    assert (outcome.plan.champion, outcome.plan.previous, outcome.plan.revision) == (version, "2", BOTH.revision + 1)
    assert (outcome.plan.pinned, told(outcome)["2"], told(outcome)[version]) == (
        word == "pin",
        Stage.RETIRED,
        Stage.CHAMPION,
    )
    assert outcome.plan.champion_since_revision == outcome.plan.revision


@pytest.mark.parametrize("word", ["promote", "pin"])
@pytest.mark.parametrize(("version", "stage"), [("7", "rejected"), ("9", "registered"), ("77", "unknown")])
def test_a_version_that_was_refused_never_tried_or_is_unknown_cannot_be_made_champion(
    word: str, version: str, stage: str
) -> None:
    """The message says where it stands and which versions may be; one that was taken back is no suggestion."""
    with pytest.raises(TransitionRefused, match=f"version {version} of m is {stage}; .*: 3, 4, 1$"):
        say(word, BOTH, version=version)


def test_a_pin_ends_with_its_version_and_leaves_the_plan_held() -> None:
    """It kept version 2; whoever takes that back has not pinned version 1 in its place."""
    outcome = say("roll_back", PLANS["pinned"], arm="champion")
    assert outcome.plan is not None
    assert (outcome.plan.champion, outcome.plan.pinned) == ("1", False)
    assert outcome.plan.held == (
        "the pin ended: version 2, which was pinned (a holiday), was taken back (the pager went off)"
    )
    assert "the pin of version 2 (a holiday) ends with it: nothing advances: the pager went off" in outcome.reason


def test_a_pin_stays_when_only_a_canary_is_taken_back() -> None:
    """Its version is champion still."""
    plan = say("roll_back", PLANS["pinned"], arm="canary").plan
    assert plan is not None
    assert (plan.champion, plan.pinned, plan.held) == ("2", True, "a holiday")


def test_resuming_gives_trials_their_full_time_anew() -> None:
    """What waited for a person is not held again at the next look."""
    plan = say("resume", PLANS["held"]).plan
    assert plan is not None
    assert plan.canary is not None
    assert (plan.held, plan.pinned, plan.canary.since_at) == (None, False, NOW)


def test_a_champion_from_before_standings_can_be_taken_back() -> None:
    """An emergency does not wait for bookkeeping."""
    outcome = overrides.roll_back(SERVING, {"1": Stage.RETIRED}, NOW, WHY)
    assert outcome.stages == (StageChange("1", Stage.CHAMPION),)


SAYINGS = st.tuples(
    st.sampled_from(sorted(WORDS)),
    st.sampled_from([None, "1", "2", "3", "4", "7", "8", "9"]),
    st.sampled_from([None, "champion", "canary", "shadow"]),
)


@given(st.lists(SAYINGS, max_size=12))
def test_whatever_people_say_plan_and_stages_agree(sayings: list[tuple[str, str | None, str | None]]) -> None:
    """One champion, pinned by that word alone, every trial's stage its arm's or held, each word one listed revision."""
    plan, stages, pinned = BOTH, stages_of(BOTH), None
    for word, version, arm in sayings:
        options = {"roll_back": {"arm": arm}, "promote": {"version": version}, "pin": {"version": version}}
        try:
            outcome = WORDS[word](plan, stages, NOW, WHY, **options.get(word, {}))
        except TransitionRefused:
            continue
        assert outcome.plan is not None
        assert outcome.plan.revision == plan.revision + 1
        plan = outcome.plan
        pinned = plan.champion if word == "pin" else pinned
        assert not plan.pinned or plan.champion == pinned
        for change in outcome.stages:
            stages[change.version] = move(stages[change.version], change.stage)
        assert [known for known, stage in stages.items() if stage is Stage.CHAMPION] == [plan.champion]
        canary, shadow = (None if trial is None else trial.version for trial in (plan.canary, plan.shadow))
        assert canary is None or stages[canary] in {Stage.CANARY, Stage.HELD}
        assert shadow is None or stages[shadow] in {Stage.SHADOW, Stage.HELD}
        waiting = {known for known, stage in stages.items() if stage in {Stage.CANARY, Stage.SHADOW, Stage.HELD}}
        assert waiting == {canary, shadow} - {None}
        assert plan.held is not None or Stage.HELD not in stages.values()
