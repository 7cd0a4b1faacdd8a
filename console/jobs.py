"""`holdfast jobs`: what is answered later, how each stands, and the messages that nobody took."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Engine

from console.models import require_known
from lifecycle.errors import InvalidInput
from lifecycle.jobs import JobState
from lifecycle.priority import Priority
from stores.ledger.deliveries import Deliveries
from stores.ledger.job_lists import JobLists
from stores.ledger.job_records import Delivery, Job
from stores.ledger.jobs import Jobs
from stores.ledger.opening import open_ledger
from stores.settings import settings
from stores.signing_secret import master_secrets, tenant_secrets

app = typer.Typer(help="What is answered later.", no_args_is_help=True)
dead = typer.Typer(help="Messages that their receivers never took.", no_args_is_help=True)
app.add_typer(dead, name="dead")

JobArgument = Annotated[str, typer.Argument(help="From `holdfast jobs list`, or as its caller was told.")]
ModelOption = Annotated[str | None, typer.Option(help="Only this model's.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command("list")
def list_jobs(
    *,
    model: ModelOption = None,
    state: Annotated[str | None, typer.Option(help="Only jobs in this state.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 20,
    as_json: AsJson = False,
) -> None:
    """List the jobs that were left last, newest first, and how many are open."""
    wanted = _state(state)
    lists = JobLists(_engine())
    found = lists.newest(limit, model, wanted, tenant)
    require_known(settings().policies, model, found)
    if as_json:
        typer.echo(json.dumps([asdict(job) for job in found], default=str, indent=2))
        return
    terminal = Console()
    for name in lists.models() if model is None else (model,):
        standing = lists.standing(name)
        since = "" if standing.oldest_at is None else f", the oldest since {standing.oldest_at:%Y-%m-%d %H:%M:%S}"
        terminal.print(
            f"{escape(name)}: {standing.waiting:,} wait, {standing.running:,} are worked on{since}; "
            f"{standing.undelivered:,} messages to send, {standing.dead:,} dead",
            highlight=False,
        )
    terminal.print(_table(found) if found else "No such job is kept.")


@app.command()
def show(job_id: JobArgument, as_json: AsJson = False) -> None:  # noqa: FBT002 - a flag
    """Say everything about one job but its rows and its answer."""
    engine = _engine()
    job, message = Jobs(engine).get(job_id), Deliveries(engine).of(job_id)
    if as_json:
        shown = asdict(job) | {"delivery": None if message is None else asdict(message)}
        typer.echo(json.dumps(shown, default=str, indent=2))
        return
    terminal = Console()
    terminal.print(f"[bold]{escape(job_id)}[/bold] is {job.state}", highlight=False)
    for name, value in asdict(job).items():
        if value is not None and name not in {"job_id", "state", "priority"}:
            terminal.print(f"  {name}: {escape(str(value))}", highlight=False, soft_wrap=True)
    terminal.print(f"  priority: {Priority(job.priority).name.lower()}", highlight=False)
    if message is not None:
        terminal.print(f"  message: {escape(_sentence(message))}", highlight=False, soft_wrap=True)


@app.command()
def secret(
    tenant: Annotated[str | None, typer.Option(help="Whose; without it, that of callers who need not say.")] = None,
) -> None:
    """Print what a receiver checks the signatures of its messages with; hand it over as you would a password."""
    for one in tenant_secrets(master_secrets(settings()), tenant):
        typer.echo(one)


@dead.command("list")
def list_dead(model: ModelOption = None, as_json: AsJson = False) -> None:  # noqa: FBT002 - a flag
    """List the messages that were given up, those first that were so last."""
    found = Deliveries(_engine()).dead(model)
    if as_json:
        typer.echo(json.dumps([asdict(message) for message in found], default=str, indent=2))
        return
    terminal = Console()
    for message in found:
        terminal.print(escape(_sentence(message)), highlight=False, soft_wrap=True)
    if not found:
        terminal.print("No message was given up.")


@dead.command()
def retry(
    job_id: Annotated[str | None, typer.Argument(help="Of which job; or --all.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every message that was given up.")] = False,
    model: ModelOption = None,
) -> None:
    """Have a message sent again, with all its attempts before it. The receiver knows it by its id if it came before."""
    if (job_id is None) == (not every):
        raise InvalidInput("give the id of one job, or --all")
    messages = Deliveries(_engine())
    chosen = [message.job_id for message in messages.dead(model)] if job_id is None else [job_id]
    now = datetime.now(UTC)
    for one in chosen:
        messages.retry(one, now)
    typer.echo(f"{len(chosen):,} messages are sent again")


def _engine() -> Engine:
    return open_ledger(settings().ledger_address)


def _state(said: str | None) -> JobState | None:
    if said is None:
        return None
    try:
        return JobState(said)
    except ValueError:
        raise InvalidInput(f"--state is {said!r}; allowed: {', '.join(JobState)}") from None


def _table(found: Sequence[Job]) -> Table:
    table = Table("id", "state", "model", "left", "took", "attempts", "why")
    for job in found:
        took = "" if job.ended_at is None else f"{(job.ended_at - job.enqueued_at).total_seconds():,.1f} s"
        whose = escape(f"{job.model} {job.version}")
        left = f"{job.enqueued_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(job.job_id, job.state, whose, left, took, str(job.attempts), escape(job.reason or ""))
    return table


def _sentence(message: Delivery) -> str:
    ended = "" if message.ended_at is None else f" at {message.ended_at:%Y-%m-%d %H:%M:%S}"
    error = f"; the last time: {message.last_error}" if message.last_error else ""
    return (
        f"{message.job_id}  {message.model} to {message.url}: {message.state}{ended} after {message.attempts} "
        f"attempts{error}"
    )
