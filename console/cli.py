"""The `holdfast` command."""

import json
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from console import log, quarantine
from console import run as running
from console.decisions import decisions
from console.replay import replay
from console.status import Status, read_status
from lifecycle.errors import HoldfastError
from stores.settings import settings

app = typer.Typer(
    name="holdfast",
    help="Keeps a model honest after it ships.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(log.app, name="log")
app.add_typer(quarantine.app, name="quarantine")
app.command()(decisions)
app.command()(replay)


@app.command()
def run(
    model: Annotated[str | None, typer.Option(help="Which model to play; the only policy by default.")] = None,
    history_days: Annotated[int, typer.Option(help="Days to learn from before traffic starts.", min=1)] = 90,
    live_days: Annotated[int, typer.Option(help="Days of traffic to play over HTTP.", min=0)] = 7,
) -> None:
    """Start everything and play recorded events: history, training, then live traffic."""
    options = ["--history-days", str(history_days), "--live-days", str(live_days)]
    running.run(settings(), Console(), [*options, *(["--model", model] if model else [])])


@app.command()
def stop() -> None:
    """Stop what `holdfast run` started from this state folder."""
    running.stop(settings(), Console())


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Say what runs, which version serves, and since when."""
    found = read_status(settings())
    if as_json:
        typer.echo(json.dumps(found.as_json(), default=str, indent=2))
    else:
        _print_status(found, Console())


def _print_status(found: Status, terminal: Console) -> None:
    terminal.print(f"State folder {found.home}")
    if found.replayed_at:
        terminal.print(f"Replaying; it is {found.replayed_at:%Y-%m-%d %H:%M} UTC there")
    programs = Table("program", "running", "address", "MB", title="Programs", title_justify="left")
    for program in found.programs:
        running_mark = "[green]yes[/green]" if program.running else "[red]no[/red]"
        programs.add_row(program.name, running_mark, program.address, str(program.memory_mb))
    terminal.print(programs if found.programs else "Nothing was started; `make run` starts everything.")
    for model in found.models:
        since = f"since {model.since:%Y-%m-%d %H:%M:%S} UTC" if model.since else ""
        terminal.print(
            f"[bold]{model.model}[/bold]: champion version {model.champion} {since}, plan revision "
            f"{model.plan_revision}, served by {model.replicas_ready} of {model.replicas} replicas; "
            f"events until {model.ingested_until}, features until {model.features_until}"
        )


def main() -> None:
    """Run the command; an error of ours is one readable line and exit code 1."""
    try:
        app()
    except HoldfastError as error:
        Console(stderr=True).print(f"[red]{type(error).__name__}[/red]: {escape(str(error))}", highlight=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
