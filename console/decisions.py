"""`holdfast decisions`: every choice that was made about a model, with its numbers."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from lifecycle.verdict import Decision, Verdict
from stores.ledger.decisions import Decisions
from stores.ledger.opening import open_ledger
from stores.settings import settings

MARKS = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.INCONCLUSIVE: "yellow", Verdict.ERROR: "red"}


def decisions(
    model: Annotated[str | None, typer.Option(help="Only this model's.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many of each model.", min=1)] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Show what was decided, newest first: each rule with its value, its limit and its reason."""
    engine = open_ledger(settings().ledger_address)
    kept = Decisions(engine)
    models = (model,) if model else kept.models()
    found = [decision for name in models for decision in kept.of(name, limit)]
    if as_json:
        typer.echo(json.dumps([asdict(decision) for decision in found], default=str, indent=2))
        return
    terminal = Console()
    for decision in found:
        _print(decision, terminal)
    if not found:
        terminal.print("Nothing was decided yet.")


def _print(decision: Decision, terminal: Console) -> None:
    terminal.print(
        f"[bold]{decision.decided_at:%Y-%m-%d %H:%M:%S} UTC  {decision.model} version {decision.version}: "
        f"{decision.action}[/bold]  [{MARKS[decision.verdict]}]{decision.verdict}[/]"
    )
    terminal.print(f"  {decision.reason}", highlight=False)
    for finding in decision.findings:
        terminal.print(
            f"  [{MARKS[finding.verdict]}]{finding.verdict:<12}[/] {finding.rule_id}: {finding.reason}", highlight=False
        )
    terminal.print(
        f"  by {decision.actor}, policy {decision.policy_revision}, from plan revision {decision.plan_revision}, "
        f"decision {decision.decision_id}",
        style="dim",
    )
