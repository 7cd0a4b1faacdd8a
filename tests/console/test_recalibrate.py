"""Proposed numbers are shown as a diff, and reach the policy by the word of whom it names, once."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from console import cli
from console.ending import end_proposals
from lifecycle.errors import Conflict, HoldfastError, InvalidInput, NotFound, NotPermitted
from lifecycle.proposal import Proposal, ProposalState
from lifecycle.verdict import Decision
from stores.ledger.decisions import Decisions
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.ledger.proposals import Proposals
from stores.policies import load_policy
from stores.settings import Settings, settings

MODEL = "flight_delay"
SHIPPED = Path(__file__).parents[2] / "policies" / "flight_delay.yaml"
NOW = datetime(2013, 5, 1, tzinfo=UTC)


@pytest.fixture
def places(home: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Return settings with a copy of the shipped policy, and a clock in May."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / f"{MODEL}.yaml").write_bytes(SHIPPED.read_bytes())
    monkeypatch.setenv("HOLDFAST_POLICIES", str(tmp_path / "policies"))
    settings.cache_clear()
    Progress(open_ledger(home.ledger_address)).set_replay(NOW)
    return settings()


@pytest.fixture
def engine(places: Settings) -> Engine:
    """Return the ledger with one proposal in it."""
    engine = open_ledger(places.ledger_address)
    Proposals(engine).propose(proposal(places))
    return engine


def proposal(places: Settings) -> Proposal:
    """Return a proposal that fits the policy as it is written."""
    revision = load_policy(places.policies, MODEL).revision()
    return Proposal("p1", MODEL, "3", "decision.threshold", 0.25, 0.231, "it saves", revision, NOW, {"rows": 9000})


def say(*words: str) -> str:
    """Return what the command prints; raises the error that a person would read."""
    result = CliRunner().invoke(cli.app, list(words), env={"COLUMNS": "400"})
    if result.exception is not None:
        raise result.exception
    return result.stdout


def policy_text(places: Settings) -> str:
    """Return the policy's file."""
    return (places.policies / f"{MODEL}.yaml").read_text(encoding="utf-8")


def test_proposals_are_shown_as_a_diff_and_change_nothing(places: Settings, engine: Engine) -> None:
    """For people and for programs."""
    shown = say("proposals")
    assert "-  threshold: 0.25\n+  threshold: 0.231\n" in shown
    assert "it saves" in shown
    (told,) = json.loads(say("proposals", "--json"))
    assert (told["key"], told["proposed"], told["outdated"]) == ("decision.threshold", 0.231, "")
    assert "+  threshold: 0.231" in told["diff"]
    assert policy_text(places) == SHIPPED.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "reject", "may"),
    [
        ("flight-operations", False, True),
        ("flight-operations", True, True),
        ("on-call", False, False),
        ("on-call", True, False),
        ("a-stranger", False, False),
    ],
)
def test_only_whom_the_policy_names_may_end_a_proposal(
    places: Settings, engine: Engine, name: str, *, reject: bool, may: bool
) -> None:
    """Who is refused changes nothing and leaves a line; who may is kept with reason and moment."""
    words = ("recalibrate", MODEL, "--reason", "agreed on Monday", "--as", name, *(["--reject"] if reject else []))
    if not may:
        with pytest.raises(NotPermitted, match=f"'{name}' may not recalibrate"):
            say(*words)
        assert (len(Proposals(engine).open(MODEL)), Decisions(engine).of(MODEL)) == (1, ())
        (line,) = (places.run / "overrides.log").read_text().splitlines()
        assert (json.loads(line)["who"], json.loads(line)["asked"]) == (name, "recalibrate")
        return
    say(*words)
    (known,) = Proposals(engine).of(MODEL)
    state = ProposalState.REJECTED if reject else ProposalState.APPLIED
    assert (known.state, known.who, known.because) == (state, f"person:{name}", "agreed on Monday")
    assert known.ended_at == NOW
    (decision,) = Decisions(engine).of(MODEL)
    assert (decision.actor, decision.action) == (f"person:{name}", "decline" if reject else "recalibrate")
    assert "agreed on Monday" in decision.reason
    assert (load_policy(places.policies, MODEL).decision.threshold == 0.231) is not reject
    assert ("# Warning pays from the score" in policy_text(places), "diff" in decision.evidence) == (True, not reject)


def test_a_second_word_finds_nothing_left(places: Settings, engine: Engine) -> None:
    """And says what became of it."""
    say("recalibrate", MODEL, "--reason", "agreed", "--as", "flight-operations")
    with pytest.raises(NotFound, match="the last was applied by person:flight-operations"):
        say("recalibrate", MODEL, "--reason", "agreed", "--as", "flight-operations")
    assert len(Decisions(engine).of(MODEL)) == 1


def test_two_who_apply_at_once_apply_once(places: Settings, engine: Engine) -> None:
    """The file is written and the decision stored by one of them."""
    ended: list[str] = []
    together = threading.Barrier(4)

    def speak() -> None:
        together.wait()
        try:
            end_proposals(MODEL, "flight-operations", "agreed", places, reject=False)
            ended.append("applied")
        except (Conflict, NotFound) as error:
            ended.append(type(error).__name__)

    threads = [threading.Thread(target=speak) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(ended), ended.count("applied")) == (4, 1)
    assert len(Decisions(engine).of(MODEL)) == 1
    assert load_policy(places.policies, MODEL).decision.threshold == 0.231


def test_a_policy_that_changed_since_is_not_written_over(places: Settings, engine: Engine) -> None:
    """Its owners have decided on something that the proposal did not know; it can still be rejected."""
    path = places.policies / f"{MODEL}.yaml"
    changed = policy_text(places).replace("missed: 3", "missed: 4")
    path.write_text(changed, encoding="utf-8")
    assert "cannot be applied any more: this was proposed for revision" in say("proposals")
    with pytest.raises(Conflict, match="is written now; reject it"):
        say("recalibrate", MODEL, "--reason", "agreed", "--as", "flight-operations")
    assert policy_text(places) == changed
    assert len(Proposals(engine).open(MODEL)) == 1
    say("recalibrate", MODEL, "--reason", "outdated", "--as", "flight-operations", "--reject")
    assert Proposals(engine).open(MODEL) == ()


def test_a_comment_that_was_added_since_is_no_other_policy(places: Settings, engine: Engine) -> None:
    """The revision is of what the policy means."""
    path = places.policies / f"{MODEL}.yaml"
    path.write_text(f"# read aloud on Mondays\n{policy_text(places)}", encoding="utf-8")
    say("recalibrate", MODEL, "--reason", "agreed", "--as", "flight-operations")
    assert policy_text(places).startswith("# read aloud on Mondays\n")
    assert load_policy(places.policies, MODEL).decision.threshold == 0.231


def test_a_reason_is_needed(places: Settings, engine: Engine) -> None:
    """Those who read the decision later were not there."""
    with pytest.raises(InvalidInput, match="the reason is empty"):
        say("recalibrate", MODEL, "--reason", " ", "--as", "flight-operations")


def test_a_file_that_cannot_be_written_leaves_the_proposal_open(
    places: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger never says what the policy does not hold."""

    def full(_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("stores.policy_change.PolicyChange.write", full)
    with pytest.raises(OSError, match="no space"):
        end_proposals(MODEL, "flight-operations", "agreed", places, reject=False)
    assert (len(Proposals(engine).open(MODEL)), Decisions(engine).of(MODEL)) == (1, ())


def test_the_same_again_is_no_new_proposal_and_another_takes_its_place(places: Settings, engine: Engine) -> None:
    """One number has one open proposal."""
    kept = Proposals(engine)
    first = proposal(places)
    assert kept.propose(replace(first, proposal_id="p2", proposed_at=NOW + timedelta(days=1))) is False
    assert kept.propose(replace(first, proposal_id="p3", proposed=0.24, proposed_at=NOW + timedelta(days=2)))
    assert [(known.proposal_id, known.state) for known in kept.of(MODEL)] == [("p1", "superseded"), ("p3", "open")]
    assert kept.models() == (MODEL,)
    with pytest.raises(HoldfastError, match="p1 was superseded"):
        kept.end("p1", ProposalState.APPLIED, _decision(engine, places), "again")


def _decision(engine: Engine, places: Settings) -> Decision:
    end_proposals(MODEL, "flight-operations", "agreed", places, reject=True)
    return replace(Decisions(engine).of(MODEL)[0], decision_id="another")
