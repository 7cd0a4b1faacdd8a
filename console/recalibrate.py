"""`holdfast proposals` and `recalibrate`: numbers of the policy that suit a new champion better, shown and applied."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from console.audit import Attempt, acting
from console.ending import change_of, end_proposals
from console.models import require_known
from console.overrides import ModelArgument, NameOption, ReasonOption
from lifecycle.errors import HoldfastError
from lifecycle.proposal import Proposal
from lifecycle.tenants import Role
from stores.ledger.opening import open_ledger
from stores.ledger.proposals import Proposals
from stores.settings import Settings, settings


def proposals(
    model: Annotated[str | None, typer.Option(help="Only this model's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Show the changes that are proposed for a policy, each as a diff of its file; nothing is changed."""
    places = settings()
    kept = Proposals(open_ledger(places.ledger_address))
    found = [known for name in ((model,) if model else kept.models()) for known in kept.open(name)]
    require_known(places.policies, model, found)
    shown = [(known, *_shown(known, places)) for known in found]
    if as_json:
        told = [{**asdict(known), "diff": diff, "outdated": outdated} for known, diff, outdated in shown]
        typer.echo(json.dumps(told, default=str, indent=2))
        return
    for known, diff, outdated in shown:
        _tell(known, diff, outdated)
    if not shown:
        typer.echo("Nothing is proposed.")


def recalibrate(
    model: ModelArgument,
    reason: ReasonOption,
    name: NameOption = None,
    reject: Annotated[bool, typer.Option("--reject", help="Leave the policy as it is written.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Write the proposed numbers into the policy, or reject them; both are kept with your name and reason."""
    places = settings()
    attempt = Attempt("decline" if reject else "recalibrate", model, reason)
    with acting(attempt, name, Role.OPERATE, places) as actor:
        ended = end_proposals(model, actor.name, reason, places, reject=reject)
    for decision, diff in ended:
        terminal = Console()
        terminal.print(f"[bold]{decision.action}[/bold]: {escape(decision.reason)}", highlight=False)
        if diff:
            typer.echo(diff)
        terminal.print(f"  by {escape(decision.actor)}, decision {decision.decision_id}", style="dim", highlight=False)


def _shown(known: Proposal, places: Settings) -> tuple[str, str]:
    """Return the diff of a proposal, or why it can no longer be applied."""
    try:
        return change_of(known, places).diff(), ""
    except HoldfastError as error:
        return "", str(error)


def _tell(known: Proposal, diff: str, outdated: str) -> None:
    terminal = Console()
    terminal.print(
        f"[bold]{known.proposed_at:%Y-%m-%d %H:%M:%S} UTC  {escape(known.model)}: {escape(known.key)} "
        f"{known.written:g} → {known.proposed:g}[/bold]",
        highlight=False,
    )
    terminal.print(f"  {escape(known.reason)}", highlight=False)
    if outdated:
        terminal.print(f"  [yellow]cannot be applied any more[/yellow]: {escape(outdated)}", highlight=False)
        return
    typer.echo(diff)
    terminal.print(
        f"  apply it with `holdfast recalibrate {escape(known.model)} --reason …`, or add --reject",
        style="dim",
        highlight=False,
    )
