"""`holdfast run`: start the stack, register the deployments, play the replay, say what stays up."""

import subprocess
import sys
from pathlib import Path

from rich.console import Console

from console.environment import child_environment
from console.processes import Processes, log_end
from console.stack import WORK_POOLS, Program, Stack, prefect_workers, programs, project_root
from lifecycle.errors import Unavailable
from stores.settings import Settings


def run(settings: Settings, terminal: Console, play: list[str]) -> None:
    """Bring everything up and play; `play` holds the options for `python -m flows.play`."""
    settings.require_door()
    stack = Stack(settings)
    terminal.print(f"[bold]Holdfast[/bold]  state folder {settings.home}")
    terminal.print(f"          environment  {Path(sys.prefix)}")
    with terminal.status("Starting MLflow, Prefect and the gateway (about half a minute)"):
        stack.start(programs(settings), on_up=lambda program: _say_up(terminal, program))
    with terminal.status("Registering the deployments of prefect.yaml"):
        deploy(settings)
        stack.start(prefect_workers(settings), on_up=lambda program: _say_up(terminal, program))
    # The replay is a flow-side program: it imports what the console may not. It reports its own errors, so
    # Prefect need not print them as well.
    environment = {**child_environment(settings), "PREFECT_LOGGING_LEVEL": "CRITICAL"}
    played = subprocess.run(  # noqa: S603 - our own module and already parsed options
        [sys.executable, "-m", "flows.play", *play], env=environment, check=False
    )
    if played.returncode != 0:
        sys.exit(played.returncode)
    terminal.print("\n[bold]Still up[/bold] (make stop ends exactly these)")
    for started in stack.running():
        terminal.print(f"  {started.name:<9} {started.address}")
    terminal.print(f"  docs      {settings.http_address}/docs")


def deploy(settings: Settings) -> None:
    """Register every deployment of prefect.yaml on its work pool; doing it again changes nothing.

    Raises Unavailable with Prefect's own words when it refuses.
    """
    environment = dict(child_environment(settings))
    prefect = (sys.executable, "-m", "prefect", "--no-prompt")
    creates = [
        (*prefect, "work-pool", "create", pool, "--type", "process", "--overwrite") for pool, _ in WORK_POOLS.values()
    ]
    for command in (*creates, (*prefect, "deploy", "--all")):
        done = subprocess.run(  # noqa: S603 - fixed commands
            command, cwd=project_root(), env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise Unavailable(
                f"`{' '.join(command[2:])}` failed: {done.stdout[-800:]}{done.stderr[-800:]}. "
                f"Is Prefect up at {settings.prefect_address}?\n{log_end(settings.run / 'prefect.log')}"
            )


def stop(settings: Settings, terminal: Console) -> None:
    """Stop what `run` started in this state folder, and nothing else."""
    if not Processes(settings.run).all():
        terminal.print(f"Nothing of {settings.home} is running.")
        return
    with terminal.status("Stopping"):
        for started, was_running in Stack(settings).stop():
            terminal.print(f"  {started.name:<9} {'stopped' if was_running else 'was not running any more'}")


def _say_up(terminal: Console, program: Program) -> None:
    terminal.print(f"  [green]up[/green] {program.name:<9} {program.address}")
