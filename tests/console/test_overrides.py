"""A person's word reaches the ledger whole, and only from a person whom the policy lets speak."""

import json
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console import cli, overrides
from console.word import Word, apply_from, apply_word
from lifecycle.errors import HoldfastError, InvalidInput, NotPermitted, TransitionRefused
from lifecycle.people import Override
from lifecycle.stages import Stage
from stores.ledger.decisions import Decisions
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress
from stores.ledger.standings import Standings
from stores.policies import load_policy
from stores.settings import Settings, settings
from tests.console.rollouts import EVENT_NOW, MODEL, report, rollout, stage_of

COMMANDS = {
    Override.ROLL_BACK: "rollback",
    Override.HOLD: "hold",
    Override.RESUME: "resume",
    Override.PROMOTE: "promote",
    Override.PIN: "pin",
}
MAY = {
    "on-call": {Override.ROLL_BACK, Override.HOLD, Override.RESUME},
    "flight-operations": set(Override),
    "a-stranger": set[Override](),
}


def say(*words: str, name: str = "flight-operations") -> str:
    """Return what the command prints; raises the error that a person would read."""
    result = CliRunner().invoke(cli.app, [*words, "--as", name], env={"COLUMNS": "400"})
    if result.exception is not None:
        raise result.exception
    return result.stdout


@pytest.mark.parametrize(("name", "override"), list(product(MAY, COMMANDS)))
def test_only_whom_the_policy_names_may_speak(home: Settings, name: str, override: Override) -> None:
    """Every person and every word: what is refused changes nothing, and leaves a line of its own."""
    engine = rollout(home)
    if override is Override.RESUME:
        say("hold", MODEL, "--reason", "to be resumed")
    before, decided = Plans(engine).current(MODEL), len(Decisions(engine).of(MODEL))
    spoken = (COMMANDS[override], MODEL, "--reason", "the pager went off")
    if override in MAY[name]:
        assert f"person:{name}" in say(*spoken, name=name)
        assert Plans(engine).current(MODEL).revision == before.revision + 1
        newest = next(
            one for one in Decisions(engine).of(MODEL) if one.actor == f"person:{name}" and "pager" in one.reason
        )
        assert (newest.plan_revision, newest.policy_revision) == (
            before.revision,
            load_policy(home.policies, MODEL).revision(),
        )
    else:
        with pytest.raises(NotPermitted, match=f"'{name}' may not {override}"):
            say(*spoken, name=name)
        assert (Plans(engine).current(MODEL), len(Decisions(engine).of(MODEL))) == (before, decided)
        (line,) = (home.run / "overrides.log").read_text().splitlines()
        told = json.loads(line)
        assert (told["level"], told["who"], told["asked"]) == ("warning", name, override)


def test_rolling_back_takes_the_canary_first_and_then_the_champion(home: Settings) -> None:
    """The shadow goes on beside the champion that is put back."""
    engine = rollout(home)
    assert "canary version 3 is taken back" in say("rollback", MODEL, "--reason", "broken")
    assert (stage_of(engine, "3"), stage_of(engine, "2")) == (Stage.ROLLED_BACK, Stage.CHAMPION)
    assert "version 1 answers again" in say("rollback", MODEL, "--reason", "broken too")
    assert (stage_of(engine, "2"), stage_of(engine, "1")) == (Stage.ROLLED_BACK, Stage.CHAMPION)
    with pytest.raises(TransitionRefused, match="no previous champion"):
        say("rollback", MODEL, "--reason", "and this")
    shadow = Plans(engine).current(MODEL).shadow
    assert shadow is not None
    assert shadow.version == "4"


def test_an_arm_or_a_version_says_what_is_meant(home: Settings) -> None:
    """Naming the version makes saying it twice harmless."""
    engine = rollout(home)
    assert "shadow version 4 is rejected" in say("rollback", MODEL, "--reason", "wrong", "--arm", "shadow")
    assert "canary version 3 is taken back" in say("rollback", MODEL, "--reason", "wrong", "--version", "3")
    with pytest.raises(TransitionRefused, match=r"version 3 of flight_delay gets no traffic; .* champion 2"):
        say("rollback", MODEL, "--reason", "wrong", "--version", "3")
    with pytest.raises(InvalidInput, match="version 2 of flight_delay is the champion, not the canary"):
        say("rollback", MODEL, "--reason", "wrong", "--version", "2", "--arm", "canary")
    with pytest.raises(InvalidInput, match="--arm is 'control'; allowed: shadow, canary, champion"):
        say("rollback", MODEL, "--reason", "wrong", "--arm", "control")
    assert Plans(engine).current(MODEL).champion == "2"


def test_a_hold_keeps_everybody_where_they_are_until_resumed(home: Settings) -> None:
    """The clock of a replay counts, so that a resumed trial has its full time in event time."""
    engine = rollout(home)
    Progress(engine).set_replay(EVENT_NOW)
    assert f"holdfast resume {MODEL}" in say("hold", MODEL, "--reason", "a storm")
    assert (stage_of(engine, "3"), stage_of(engine, "4")) == (Stage.HELD, Stage.HELD)
    say("resume", MODEL, "--reason", "clear again")
    assert (stage_of(engine, "3"), stage_of(engine, "4")) == (Stage.CANARY, Stage.SHADOW)
    plan = Plans(engine).current(MODEL)
    assert plan.canary is not None
    assert (plan.held, plan.canary.since_at) == (None, EVENT_NOW)
    assert Decisions(engine).of(MODEL)[0].decided_at == EVENT_NOW


def test_pinning_an_older_version_is_one_revision(home: Settings) -> None:
    """Nobody serves it unpinned in between."""
    engine = rollout(home)
    before = Plans(engine).current(MODEL)
    say("pin", MODEL, "--version", "1", "--reason", "the one we know")
    plan = Plans(engine).current(MODEL)
    assert (plan.revision, plan.champion, plan.previous, plan.pinned) == (before.revision + 1, "1", "2", True)
    with pytest.raises(TransitionRefused, match="pinned: the one we know"):
        say("promote", MODEL, "--reason", "try")


@pytest.mark.parametrize("version", ["5", "6", "77"])
def test_a_version_that_never_earned_it_cannot_be_promoted(home: Settings, version: str) -> None:
    """A rejected one, one that waits for its turn, and an unknown one; the message lists those that may be."""
    Standings(rollout(home)).meet(MODEL, "6", None, EVENT_NOW)
    with pytest.raises(TransitionRefused, match=r"may be made champion: 3, 4, 1$"):
        say("promote", MODEL, "--version", version, "--reason", "try")


def test_a_pin_ends_when_its_version_is_taken_back_by_one_who_may_not_pin(home: Settings) -> None:
    """Nobody pinned what answers now; the plan is held, and decision and command say why."""
    engine = rollout(home)
    say("pin", MODEL, "--version", "4", "--reason", "the one we know")
    told = say("rollback", MODEL, "--arm", "champion", "--reason", "it fails", name="on-call")
    plan = Plans(engine).current(MODEL)
    assert (plan.champion, plan.pinned) == ("2", False)
    assert plan.held is not None
    assert "the pin of version 4 (the one we know) ends with it" in Decisions(engine).of(MODEL)[0].reason
    assert f"{MODEL} is held: the pin ended: version 4" in told


def test_an_empty_reason_is_refused(home: Settings) -> None:
    """Who reads the decision later needs one."""
    engine = rollout(home)
    before = Plans(engine).current(MODEL)
    with pytest.raises(InvalidInput, match="the reason is empty"):
        say("hold", MODEL, "--reason", "  ")
    assert Plans(engine).current(MODEL) == before


def test_a_model_without_a_policy_is_refused(home: Settings) -> None:
    """The policy says who may; without one nobody may."""
    with pytest.raises(HoldfastError, match=r"policies there: .*flight_delay"):
        say("hold", "fligth_delay", "--reason", "a storm")


def test_the_name_comes_from_the_option_else_the_setting_else_the_system(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's user of these tests is nobody the policy knows."""
    rollout(home)
    held = CliRunner().invoke(cli.app, ["hold", MODEL, "--reason", "a storm"])
    assert isinstance(held.exception, NotPermitted)
    monkeypatch.setenv("HOLDFAST_ACTOR", "on-call")
    settings.cache_clear()
    assert "person:on-call" in CliRunner().invoke(cli.app, ["hold", MODEL, "--reason", "a storm"]).stdout
    with pytest.raises(NotPermitted, match="a-stranger"):
        say("resume", MODEL, "--reason", "over", name="a-stranger")


def test_replicas_that_serve_it_are_named_and_those_that_do_not_yet(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stored is not served: both are said."""
    monkeypatch.setattr(overrides, "WAIT_SECONDS", 0.0)
    engine = rollout(home)
    following = Plans(engine).current(MODEL).revision + 1
    assert "No gateway replica reports" in say("hold", MODEL, "--reason", "a storm")
    report(engine, "quick", following + 1)
    report(engine, "slow", following - 1, detail="loading")
    told = say("resume", MODEL, "--reason", "over")
    assert "Served by quick" in told
    assert f"NOT YET served by slow (revision {following - 1}, loading)" in told


def test_a_replica_that_follows_the_plan_and_answers_nobody_does_not_serve_it(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """During a hang the plan is there at once, and no answer is."""
    monkeypatch.setattr(overrides, "WAIT_SECONDS", 0.0)
    engine = rollout(home)
    following = Plans(engine).current(MODEL).revision + 1
    still = "does not answer: its event loop has stood still for 3 s while version 2 of flight_delay scores"
    report(engine, "hung", following, ready=False, detail=still)
    told = say("rollback", MODEL, "--arm", "champion", "--reason", "no answers")
    assert "Served by" not in told
    assert f"NOT YET served by hung (revision {following}, {still})" in told


def test_a_word_from_a_stale_plan_is_decided_anew_about_the_same_version(home: Settings) -> None:
    """Supervise may have written in between."""
    engine = rollout(home)
    policy, stale = load_policy(home.policies, MODEL), Plans(engine).current(MODEL)
    say("rollback", MODEL, "--arm", "shadow", "--reason", "in between")
    back = Word(Override.ROLL_BACK, MODEL, "on-call", "broken")
    decided, plan = apply_from(stale, back, policy, engine)
    assert (decided.version, decided.plan_revision, plan.canary) == ("3", stale.revision + 1, None)


def test_two_who_take_back_one_canary_do_not_take_back_the_champion(home: Settings) -> None:
    """The second meant the canary, and the champion is somebody else."""
    engine = rollout(home)
    policy, stale = load_policy(home.policies, MODEL), Plans(engine).current(MODEL)
    say("rollback", MODEL, "--reason", "in between")
    back = Word(Override.ROLL_BACK, MODEL, "on-call", "broken")
    with pytest.raises(TransitionRefused, match=r"meant for version 3 .* now it would concern version 2"):
        apply_from(stale, back, policy, engine)
    assert Plans(engine).current(MODEL).champion == "2"


@pytest.mark.parametrize(
    "words",
    [
        ("rollback", MODEL, "--version", "3"),
        ("hold", MODEL),
        ("resume", MODEL),
        ("promote", MODEL, "--version", "3"),
        ("pin", MODEL),
    ],
)
def test_racing_people_change_nothing_twice(home: Settings, words: tuple[str, ...]) -> None:
    """Of two real processes that say the same at once, one is obeyed and one is told why not."""
    engine = rollout(home)
    if "resume" in words:
        Plans(engine).write(Plans(engine).current(MODEL).hold("a storm"), EVENT_NOW)
    before = Plans(engine).current(MODEL)
    command = [sys.executable, "-m", "console.cli", *words, "--reason", "now", "--as", "flight-operations"]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    for racer in racers:
        racer.communicate(timeout=120)
    assert sorted(racer.returncode for racer in racers) == [0, 1]
    assert Plans(engine).current(MODEL).revision == before.revision + 1
    people = [one for one in Decisions(engine).of(MODEL) if one.actor.startswith("person:")]
    assert len(people) == 1


def test_a_policy_that_cannot_be_read_leaves_the_last_one_decided_by(home: Settings, tmp_path: Path) -> None:
    """A slip in the file must not keep the person on call from taking a version back."""
    engine = rollout(home)
    policies = tmp_path / "policies"
    policies.mkdir()
    policy = policies / f"{MODEL}.yaml"
    policy.write_text((home.policies / f"{MODEL}.yaml").read_text())
    broken = home.model_copy(update={"policies": policies})
    say("hold", MODEL, "--reason", "so that a decision is on record")
    word = Word(Override.ROLL_BACK, MODEL, "on-call", "it fails at night")
    policy.write_text("model: [")
    apply_word(word, broken)
    with pytest.raises(NotPermitted):
        apply_word(replace(word, name="a-stranger"), broken)
    assert Decisions(engine).of(MODEL)[0].action == "roll_back"
