"""`holdfast decisions`: every choice that was made about a model, with its numbers, and the same choice again."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from console.decision_page import print_decision, print_judged, print_words
from console.models import require_known
from lifecycle.rejudging import is_a_persons, judge_again
from stores.ledger.decisions import Decisions
from stores.ledger.opening import open_ledger
from stores.settings import settings

app = typer.Typer(help="What was decided, newest first, and by which numbers.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.callback(invoke_without_command=True)
def decisions(
    context: typer.Context,
    *,
    model: Annotated[str | None, typer.Option(help="Only this model's.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many of each model.", min=1)] = 10,
    as_json: AsJson = False,
) -> None:
    """Show what was decided, newest first: each rule with its value, its limit and its reason."""
    if context.invoked_subcommand is not None:
        return
    kept = Decisions(open_ledger(settings().ledger_address))
    models = (model,) if model else kept.models()
    asked = {name: kept.of(name, limit + 1) for name in models}
    found = [decision for some in asked.values() for decision in some[:limit]]
    older = [name for name, some in asked.items() if len(some) > limit]
    require_known(settings().policies, model, found)
    if as_json:
        typer.echo(json.dumps([asdict(decision) for decision in found], default=str, indent=2))
        return
    terminal = Console()
    for decision in found:
        print_decision(decision, terminal)
    print_words(found, terminal)
    if not found:
        terminal.print("Nothing was decided yet.")
    for name in older:
        terminal.print(f"These are the newest {limit} of {name}; older ones: --limit {10 * limit}", highlight=False)


@app.command()
def replay(
    decision_id: Annotated[str, typer.Argument(help="As `holdfast decisions` shows it.")],
    as_json: AsJson = False,  # noqa: FBT002 - a flag
) -> None:
    """Judge a decision again from its stored evidence; exit code 1 unless verdict, action and reason are the same."""
    decision = Decisions(open_ledger(settings().ledger_address)).get(decision_id)
    if is_a_persons(decision):
        told = f"{decision.actor} decided this; there is nothing to judge again"
        typer.echo(json.dumps({"decision_id": decision_id, "same": None, "reason": told}) if as_json else told)
        return
    judged = judge_again(decision)
    same = (judged.verdict, judged.action, judged.reason) == (decision.verdict, decision.action, decision.reason)
    if as_json:
        stored = {"verdict": decision.verdict, "action": decision.action, "reason": decision.reason}
        shown = {"decision_id": decision_id, "same": same, "stored": stored, "judged_again": asdict(judged)}
        typer.echo(json.dumps(shown, indent=2))
    else:
        print_decision(decision, Console())
        print_words([decision], Console())
        print_judged(judged, Console(), same=same)
    if not same:
        raise typer.Exit(1)
