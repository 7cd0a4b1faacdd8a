"""A decision can be read cold, and judged again from the command line."""

import json
from datetime import timedelta

from sqlalchemy import Engine
from typer.testing import CliRunner

from console import cli
from lifecycle.errors import EvidenceMissing, NotFound
from lifecycle.outcome import decision_of
from lifecycle.rollout import decide_rollout
from lifecycle.verdict import Decision, Verdict
from stores.ledger.decisions import Decisions
from stores.ledger.opening import open_ledger
from stores.ledger.plans import WHOLE_PLAN
from stores.settings import Settings
from tests.console.rollouts import MODEL, decision, rollout
from tests.lifecycle.rollouts import START, evidence_of, plan_of, two_steps

WIDE = {"COLUMNS": "400"}


def judged(engine: Engine, verdict: Verdict = Verdict.FAIL, reason: str | None = None) -> Decision:
    """Store and return what supervise decides about a canary that fails."""
    plan, policy, now = plan_of("canary"), two_steps(), START + timedelta(hours=3)
    evidence = evidence_of(plan, "canary", verdict)
    made = decision_of(
        decide_rollout(plan, policy, evidence, now),
        plan,
        decision_id="d1",
        policy_revision=policy.revision(),
        actor="flow:supervise",
        decided_at=now,
        evidence={
            "evidence": evidence.model_dump(mode="json"),
            "policy": policy.model_dump(mode="json"),
            "plan": WHOLE_PLAN.dump_python(plan, mode="json"),
            "now": now.isoformat(),
        },
    )
    stored = made if reason is None else Decision(**{**vars(made), "reason": reason})
    Decisions(engine).record(stored)
    return stored


def run(*words: str) -> str:
    """Return what `holdfast decisions` prints when all is well."""
    result = CliRunner().invoke(cli.app, ["decisions", *words], env=WIDE)
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_a_decision_is_readable_cold(home: Settings) -> None:
    """Who, what, when, which version, rule, value, limit, evidence and until when, policy and plan revision."""
    made = judged(open_ledger(home.ledger_address))
    text = run()
    (failed,) = [finding for finding in made.findings if finding.verdict is Verdict.FAIL]
    for words in (
        "2013-04-01 03:00:00 UTC  m version 3: roll_back  fail",
        made.reason,
        f"canary-errors: {failed.reason}",
        f"limit {failed.limit:.6g}",
        "the rule's reason: It must answer.",
        "version 3 as canary beside version 2, 1000 answers since plan revision 4 (2013-04-01T00:00:00Z)",
        "evidence until 2013-04-01T00:00:00Z",
        "labels: 0 of the answers have one, none has come in; 0 mirrored rows dropped",
        f"by flow:supervise, policy {made.policy_revision}, from plan revision {made.plan_revision}, decision d1",
    ):
        assert words in text


def test_what_a_unit_hour_is_is_said_once_where_reasons_count_in_them(home: Settings) -> None:
    """With the policy's own unit; a page of decisions that count in none explains nothing."""
    engine = open_ledger(home.ledger_address)
    Decisions(engine).record(decision("7", 0))
    assert "a unit-hour:" not in run()
    made = judged(engine)
    Decisions(engine).record(Decision(**{**vars(made), "decision_id": "d2"}))
    text = run()
    assert "unit-hours failed" in text
    assert text.count("a unit-hour: all that was asked about one unit in one hour; it failed when any of its") == 1
    assert run("replay", "d1").count("a unit-hour:") == 1


def test_decisions_as_json_hold_all_of_it(home: Settings) -> None:
    """A list, newest first, as it always was."""
    engine = open_ledger(home.ledger_address)
    Decisions(engine).record(decision("7", 0))
    made = judged(engine)
    (found,) = json.loads(run("--json", "--model", "m"))
    assert (found["decision_id"], found["evidence"]) == ("d1", made.evidence)
    assert len(json.loads(run("--json"))) == 2


def test_list_that_is_cut_says_so(home: Settings) -> None:
    """Whoever reads ten of twelve knows that there are older ones."""
    engine = open_ledger(home.ledger_address)
    made = judged(engine)
    for other in ("d2", "d3"):
        Decisions(engine).record(Decision(**{**vars(made), "decision_id": other}))
    assert "These are the newest 2 of " in run("--limit", "2")
    assert "These are the newest" not in run("--limit", "3")


def test_nothing_decided_is_said(home: Settings) -> None:
    """An empty ledger is no error."""
    assert "Nothing was decided yet." in run()


def test_the_same_verdict_again_is_exit_code_zero(home: Settings) -> None:
    """Both stand below each other."""
    made = judged(open_ledger(home.ledger_address))
    text = run("replay", "d1")
    assert text.count(made.reason) >= 2
    assert text.endswith("the same\n")
    document = json.loads(run("replay", "d1", "--json"))
    assert (document["same"], document["stored"]) == (True, document["judged_again"])


def test_another_verdict_is_exit_code_one(home: Settings) -> None:
    """A reason that the rules do not give is found out, and both are shown."""
    judged(open_ledger(home.ledger_address), reason="because")
    result = CliRunner().invoke(cli.app, ["decisions", "replay", "d1"], env=WIDE)
    assert result.exit_code == 1
    assert "DIFFERENT" in result.stdout
    assert CliRunner().invoke(cli.app, ["decisions", "replay", "d1", "--json"]).exit_code == 1


def test_a_persons_decision_says_that_there_is_nothing_to_judge(home: Settings) -> None:
    """A person's word is its own reason."""
    engine = rollout(home)
    CliRunner().invoke(cli.app, ["hold", MODEL, "--reason", "a storm", "--as", "on-call"])
    (made,) = [one for one in Decisions(engine).of(MODEL) if one.actor == "person:on-call"]
    assert "person:on-call decided this; there is nothing to judge again" in run("replay", made.decision_id)
    assert json.loads(run("replay", made.decision_id, "--json"))["same"] is None
    assert "until a person resumes: a storm" in run()


def test_a_decision_without_evidence_or_an_unknown_one_is_refused(home: Settings) -> None:
    """Neither is called the same."""
    made = decision("7", 0)
    Decisions(open_ledger(home.ledger_address)).record(made)
    without = CliRunner().invoke(cli.app, ["decisions", "replay", made.decision_id])
    assert isinstance(without.exception, EvidenceMissing)
    unknown = CliRunner().invoke(cli.app, ["decisions", "replay", "nothing"])
    assert isinstance(unknown.exception, NotFound)
