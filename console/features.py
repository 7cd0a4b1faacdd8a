"""`holdfast features`: what a data scientist trains on, as a file."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from console.environment import child_environment
from lifecycle.errors import InvalidInput, Unavailable
from stores.policies import policy_models
from stores.settings import settings

app = typer.Typer(help="The features that serving computes, for training anywhere.", no_args_is_help=True)


@app.callback()
def features() -> None:
    """Keep `export` a command of its own."""


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="The Parquet file to write.")],
    model: Annotated[str | None, typer.Option(help="Which model; the only policy by default.")] = None,
    since: Annotated[str | None, typer.Option(help="First prediction moment, such as 2013-03-01; UTC.")] = None,
    until: Annotated[str | None, typer.Option(help="Prediction moments before this one; now by default.")] = None,
) -> None:
    """Write labelled examples with their features as they would have been served, one row each."""
    known = policy_models(settings().policies)
    if (model is None and len(known) != 1) or (model is not None and model not in known):
        raise InvalidInput(f"there are policies for {', '.join(known) or 'no model'}; choose one with --model")
    window = [*(["--since", since] if since else []), *(["--until", until] if until else [])]
    done = subprocess.run(  # noqa: S603 - our own module, a model that has a policy, and a person's own file
        [sys.executable, "-m", "flows.export_features", model or known[0], str(file.resolve()), *window],
        env=dict(child_environment(settings())),
        check=False,
    )
    if done.returncode:
        raise Unavailable(f"{file} was not written; the reason stands above")
