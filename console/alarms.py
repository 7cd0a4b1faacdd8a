"""`holdfast alarms`: what is wrong now, each in one sentence; `dismiss` closes one as false."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from console.audit import Attempt, acting
from console.models import require_known
from console.overrides import NameOption, ReasonOption
from lifecycle.alarms import Alarm
from lifecycle.errors import InvalidInput
from lifecycle.people import Override, require_permission
from lifecycle.tenants import Role
from stores.clock import ReplayClock
from stores.ledger.alarms import Alarms
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.policies import load_policy
from stores.settings import settings

app = typer.Typer(help="What is wrong with the world or a version, as the looks found it.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.callback(invoke_without_command=True)
def alarms(
    context: typer.Context,
    *,
    model: Annotated[str | None, typer.Option(help="Only this model's.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that are closed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the alarms that stand, oldest first: what, its value and limit, since when, and what follows."""
    if context.invoked_subcommand is not None:
        return
    kept = Alarms(open_ledger(settings().ledger_address))
    found = [
        alarm
        for name in ((model,) if model else kept.models())
        for alarm in (kept.all(name) if every else kept.standing(name))
    ]
    require_known(settings().policies, model, found)
    if as_json:
        typer.echo(json.dumps([asdict(alarm) for alarm in found], default=str, indent=2))
        return
    terminal = Console()
    for alarm in found:
        colour = "dim" if alarm.closed_at is not None or alarm.concern.then == "note" else "yellow"
        terminal.print(f"[{colour}]{escape(sentence(alarm))}[/]", highlight=False, soft_wrap=True)
    if not found:
        terminal.print("There was never an alarm." if every else "No alarm stands.")


@app.command()
def dismiss(
    alarm_id: Annotated[str, typer.Argument(help="As `holdfast alarms` shows it.")],
    reason: ReasonOption,
    name: NameOption = None,
) -> None:
    """Close an alarm as false, in your name; who may resume a model may do this.

    The name and the reason stay with the alarm. When the next look finds the same again, it opens another one.
    """
    config = settings()
    engine = open_ledger(config.ledger_address)
    if not reason.strip():
        raise InvalidInput("the reason is empty; say why the alarm is false, for those who read it later")
    kept = Alarms(engine)
    with acting(Attempt("dismiss-alarm", alarm_id, reason), name, Role.OPERATE, config) as actor:
        known = kept.get(alarm_id)
        require_permission(load_policy(config.policies, known.model).people, actor.name, Override.RESUME)
        # Event time, as the alarm's other moments.
        at = ReplayClock(Progress(engine)).now()
        dismissed = kept.dismiss(alarm_id, f"person:{actor.name}", reason, at)
    Console().print(escape(sentence(dismissed)), highlight=False)


def sentence(alarm: Alarm) -> str:
    """Return an alarm as one sentence: model, what it is about, the numbers, since when, and how it ended."""
    concern = alarm.concern
    numbers = "" if concern.value is None else f" (value {concern.value:.4g}"
    if numbers:
        numbers += ")" if concern.limit is None else f", limit {concern.limit:.4g})"
    told = (
        f"{alarm.alarm_id}  {alarm.model} version {alarm.version}: {concern.kind} of {concern.subject}: "
        f"{concern.reason.rstrip('.')}{numbers}, since {concern.onset_at:%Y-%m-%d %H:%M}, "
        f"opened {alarm.opened_at:%Y-%m-%d %H:%M}, calls for: {concern.then}"
    )
    if alarm.closed_at is None:
        return told
    return f"{told}; closed {alarm.closed_at:%Y-%m-%d %H:%M} by {alarm.closed_by}: {alarm.closed_because}"
