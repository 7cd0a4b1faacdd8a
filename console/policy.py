"""`holdfast policy`: check a policy file, read it as sentences, and try it on what was recorded."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from console.environment import child_environment
from lifecycle.errors import InvalidInput, PolicyInvalid
from lifecycle.explaining import explain_policy
from lifecycle.policy import Policy
from stores.policies import load_policy, policy_models, read_policy
from stores.settings import settings

app = typer.Typer(help="Check, explain and try policies.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ModelOption = Annotated[str | None, typer.Option(help="Which model; the only policy by default.")]


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A policy file.")]) -> None:
    """Say whether a file can be followed; exit code 1 with every problem, its line and what is allowed.

    Fields, unit and slices are held against the model's definition, where this installation has it.
    """
    try:
        policy = read_policy(file)
    except PolicyInvalid as error:
        _refuse(file, str(error).splitlines())
        raise typer.Exit(1) from error
    found = _held_against_its_model(file)
    if found["problems"]:
        _refuse(file, found["problems"])
        raise typer.Exit(1)
    steps = ", ".join(f"{step.share:g}" for step in policy.rollout.canary.steps)
    typer.echo(
        f"{file} can be followed: policy of {policy.model}, revision {policy.revision()}, "
        f"{len(policy.offline_gate)} rules of the offline gate, {len(policy.rollout.rules)} of the rollout, "
        f"canary steps {steps}, {len(policy.people)} people"
    )
    if found["known"]:
        typer.echo(f"its fields, unit and slices are those of {policy.model}")
    else:
        typer.echo(f"NOT checked: whether the model has its fields, unit and slices: {found['because']}")


def _refuse(file: Path, problems: Sequence[str]) -> None:
    typer.echo("\n".join(problems), err=True)
    typer.echo(f"{len(problems)} problem{'' if len(problems) == 1 else 's'} in {file}", err=True)


def _held_against_its_model(file: Path) -> dict[str, Any]:
    # Only flows may know what the model is made of.
    done = subprocess.run(  # noqa: S603 - our own module, and a file that it checks
        [sys.executable, "-m", "flows.check_policy", str(file)], stdout=subprocess.PIPE, check=False
    )
    if done.returncode:
        raise typer.Exit(done.returncode)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@app.command()
def explain(
    file: Annotated[Path | None, typer.Argument(help="A policy file; by default the model's.")] = None,
    model: ModelOption = None,
    as_json: AsJson = False,  # noqa: FBT002 - a flag
) -> None:
    """Tell a policy in sentences that can be read aloud."""
    policy = _chosen(file, model)
    chapters = explain_policy(policy)
    if as_json:
        told = {"model": policy.model, "revision": policy.revision(), "chapters": [asdict(one) for one in chapters]}
        typer.echo(json.dumps(told, indent=2))
        return
    terminal = Console()
    terminal.print(
        f"[bold]The rules for {escape(policy.model)}[/bold], written by {escape(policy.owner)}", highlight=False
    )
    for chapter in chapters:
        terminal.print(f"\n[bold]{escape(chapter.title)}[/bold]")
        for sentence in chapter.sentences:
            terminal.print(f"- {escape(sentence)}", highlight=False)


@app.command()
def backtest(
    policy: Annotated[Path, typer.Option(help="The file with the new rules.")],
    since: Annotated[str, typer.Option(help="From when on, such as 2013-04-01T00:00:00Z.")],
    model: ModelOption = None,
    every_minutes: Annotated[float, typer.Option(help="Minutes of event time from look to look.", min=1)] = 60,
    as_json: AsJson = False,  # noqa: FBT002 - a flag
) -> None:
    """Say what new rules would have decided on recorded evidence, beside what was decided."""
    wanted = read_policy(policy)
    if model is not None and model != wanted.model:
        raise InvalidInput(f"{policy} is the policy of {wanted.model}, not of {model}; leave --model out")
    options = ["--policy", str(policy), "--since", since, "--every-minutes", f"{every_minutes:g}"]
    # Only flows may gather evidence: it takes the model's own features and labels.
    done = subprocess.run(  # noqa: S603 - our own module, and options that it checks
        [sys.executable, "-m", "flows.backtest", *options, *(["--json"] if as_json else [])],
        env=dict(child_environment(settings())),
        check=False,
    )
    if done.returncode:
        raise typer.Exit(done.returncode)


def _chosen(file: Path | None, model: str | None) -> Policy:
    if file is not None:
        if model is not None:
            raise InvalidInput(f"give either a file or --model, not both {file} and {model}")
        return read_policy(file)
    known = policy_models(settings().policies)
    if (model is None and len(known) != 1) or (model is not None and model not in known):
        raise InvalidInput(f"there are policies for {', '.join(known) or 'no model'}; choose one with --model")
    return load_policy(settings().policies, model or known[0])
