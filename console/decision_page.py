"""One decision as a person reads it cold: who, what, when, by which rule, number and limit, on how much evidence."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from lifecycle.rejudging import Judged, is_a_persons
from lifecycle.verdict import Decision, Finding, Verdict

MARKS = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.INCONCLUSIVE: "yellow", Verdict.ERROR: "red"}


def print_decision(decision: Decision, terminal: Console) -> None:
    """Print a decision with its findings, its evidence and what it was made from."""
    person = is_a_persons(decision)
    verdict = "" if person else f"  [{MARKS[decision.verdict]}]{decision.verdict}[/]"
    _line(
        terminal,
        f"[bold]{decision.decided_at:%Y-%m-%d %H:%M:%S} UTC  {escape(decision.model)} version "
        f"{escape(decision.version)}: {decision.action}[/bold]{verdict}",
    )
    _line(terminal, f"  {escape(decision.reason)}")
    because = _reasons(decision.evidence)
    for finding in decision.findings:
        _line(
            terminal,
            f"  [{MARKS[finding.verdict]}]{finding.verdict:<12}[/] {escape(finding.rule_id)}: "
            f"{escape(finding.reason)}{_numbers(finding)}",
        )
        if finding.verdict is not Verdict.PASS and finding.rule_id in because:
            _line(terminal, f"               the rule's reason: {escape(because[finding.rule_id])}")
    for told in _evidence(decision.evidence):
        _line(terminal, f"  {escape(told)}")
    source = (
        f"by {decision.actor}, policy {decision.policy_revision}, from plan revision {decision.plan_revision}, "
        f"decision {decision.decision_id}"
    )
    _line(terminal, f"  [dim]{escape(source)}[/dim]")


def print_words(decisions: Sequence[Decision], terminal: Console) -> None:
    """Print once, below decisions, what the words mean that their reasons count in."""
    for decision in decisions:
        if any("unit-hours" in finding.reason for finding in decision.findings):
            policy: Any = decision.evidence.get("policy") or {}
            unit = " and ".join(policy.get("rollout", {}).get("unit", ())).replace("_", " ") or "unit"
            _line(
                terminal,
                f"[dim]a unit-hour: all that was asked about one {escape(unit)} in one hour; it failed when any of its "
                "answers did[/dim]",
            )
            return


def print_judged(judged: Judged, terminal: Console, *, same: bool) -> None:
    """Print what judging again came to, under the decision it belongs to."""
    _line(terminal, f"[bold]Judged again[/bold]: {judged.action}  [{MARKS[judged.verdict]}]{judged.verdict}[/]")
    _line(terminal, f"  {escape(judged.reason)}")
    _line(terminal, "the same" if same else "[red]DIFFERENT[/red]: the rules' code or the stored evidence has changed")


def _line(terminal: Console, text: str) -> None:
    terminal.print(text, highlight=False, soft_wrap=True)


def _numbers(finding: Finding) -> str:
    known = [("value", finding.value), ("limit", finding.limit)]
    shown = ", ".join(f"{name} {number:.6g}" for name, number in known if number is not None)
    return f" ({shown})" if shown else ""


def _reasons(evidence: Mapping[str, object]) -> Mapping[str, str]:
    policy: Any = evidence.get("policy") or {}
    rules = [*policy.get("offline_gate", ()), *policy.get("rollout", {}).get("rules", ())]
    return {rule["id"]: rule["because"] for rule in rules}


def _evidence(stored: Mapping[str, object]) -> Iterator[str]:
    """Say how much was seen, of whom, since when and until when."""
    seen: Any = stored.get("evidence")
    if isinstance(seen, Mapping):
        beside = f" beside version {seen['baseline']}" if seen.get("baseline") else ""
        yield (
            f"evidence: version {seen['version']} as {seen['arm']}{beside}, {seen['answers']} answers since plan "
            f"revision {seen['since_revision']} ({seen['since_at']}), evidence until {seen['until_at']}"
        )
        labels = f"until {seen['labels_until_at']}" if seen.get("labels_until_at") else "none has come in"
        yield f"labels: {seen['labelled']} of the answers have one, {labels}; {seen['dropped']} mirrored rows dropped"
        yield from (f"trouble: {trouble}" for trouble in seen["trouble"])
    checkup: Any = stored.get("checkup")
    if isinstance(checkup, Mapping):
        size = checkup["size_mb"]
        tried = "which could not be read" if size is None else f"{size:.2f} MB, tried alone on its own example"
        yield f"evidence: its files as registered, {tried}"
    evaluation: Any = stored.get("evaluation")
    if isinstance(evaluation, Mapping):
        overall = evaluation["candidate"]["overall"]
        yield f"evidence: {overall['rows']} validation rows, {overall['positives']} of them positive"
