"""The `holdfast` command."""

import json
import os
import sys
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from console import (
    alarms,
    captures,
    costs,
    decisions,
    features,
    jobs,
    labels,
    log,
    looks,
    overrides,
    policy,
    quarantine,
    recalibrate,
    tenants,
)
from console import run as running
from console.audit import audit
from console.loop import loop
from console.quality import quality
from console.replay import replay
from console.status import read_status
from console.status_page import print_status
from lifecycle.errors import HoldfastError, InvalidInput
from stores.settings import settings

app = typer.Typer(
    name="holdfast",
    help="Keeps a model honest after it ships.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(features.app, name="features")
app.add_typer(log.app, name="log")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(policy.app, name="policy")
app.add_typer(decisions.app, name="decisions")
app.add_typer(labels.app, name="labels")
app.add_typer(alarms.app, name="alarms")
app.add_typer(captures.app, name="captures")
app.add_typer(costs.app, name="costs")
app.add_typer(tenants.app, name="tenants")
app.add_typer(tenants.keys, name="keys")
app.command()(audit)
app.add_typer(jobs.app, name="jobs")
app.command()(replay)
app.command()(quality)
app.command()(looks.looks)
app.command()(loop)
for override in (overrides.rollback, overrides.hold, overrides.resume, overrides.promote, overrides.pin):
    app.command()(override)
for change in (recalibrate.proposals, recalibrate.recalibrate):
    app.command()(change)


@app.command()
def run(
    *,
    model: Annotated[str | None, typer.Option(help="Which model to play; the only policy by default.")] = None,
    history_days: Annotated[int, typer.Option(help="Days to learn from before traffic starts.", min=1)] = 90,
    live_days: Annotated[
        int | None,
        typer.Option(help="Days of traffic to play over HTTP; 7, or up to 14 with challengers.", min=0),
    ] = None,
    challengers: Annotated[
        bool, typer.Option(help="Have new versions registered while a model's first traffic is played.")
    ] = True,
    fast: Annotated[bool, typer.Option(help="End after the first stretch of later months.")] = False,
    every_day: Annotated[
        bool, typer.Option(help="Play every day up to the source's end, instead of stretches: an hour or more.")
    ] = False,
) -> None:
    """Start everything and play recorded events: history, training, traffic with versions on trial, later months."""
    if fast and every_day:
        raise InvalidInput("--fast and --every-day ask for opposite things; give one of them")
    options = ["--history-days", str(history_days)]
    options += [] if live_days is None else ["--live-days", str(live_days)]
    options += [] if challengers else ["--no-challengers"]
    options += ["--stretches", "one" if fast else "every-day" if every_day else "some"]
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
        print_status(found, Console())


def main() -> None:
    """Run the command and end the process; an error of ours is one readable line and exit code 1."""
    try:
        app()
    except HoldfastError as error:
        Console(stderr=True).print(f"[red]{type(error).__name__}[/red]: {escape(str(error))}", highlight=False)
        _end(1)
    except SystemExit as ended:
        _end(ended.code)


def _end(code: str | int | None) -> NoReturn:
    """End with everything said, and without taking the interpreter down piece by piece.

    Native threads of the libraries that read the log may outlive it then, and abort a command that has done its work.
    """
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    main()
