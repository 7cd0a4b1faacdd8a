"""`holdfast captures`: the rows around each moment at which a version's answers were stopped, for people to label."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from console.audit import Attempt, acting
from console.capture_file import capture_of, write_rows
from console.label_file import read_words
from lifecycle.tenants import Role
from stores.captures import CaptureFiles
from stores.clock import ReplayClock
from stores.ledger.captures import Capture, Captures
from stores.ledger.labels import PeoplesLabels
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.settings import settings

app = typer.Typer(help="Rows around the moments at which answers were stopped.", no_args_is_help=True)

IdArgument = Annotated[str, typer.Argument(help="From `holdfast captures list`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
HISTOGRAM_BINS = 10
BAR_CHARACTERS = 40


@app.command("list")
def list_captures(
    model: Annotated[str | None, typer.Option(help="Only this model's.")] = None,
    as_json: AsJson = False,  # noqa: FBT002 - a flag
) -> None:
    """List every opening of a breaker, newest first: whose, since when until when, and why."""
    found = _kept().all(model)
    if as_json:
        typer.echo(json.dumps([asdict(capture) for capture in found], default=str, indent=2))
    elif found:
        Console().print(_table(found))
    else:
        Console().print("No answers were ever stopped.")


@app.command()
def show(capture_id: IdArgument, as_json: AsJson = False) -> None:  # noqa: FBT002 - a flag
    """Say what tripped a breaker, by which figures and limits, and how the captured scores are distributed."""
    capture = _kept().get(capture_id)
    counts = _histogram(_files().read(capture_id))
    if as_json:
        shown = asdict(capture) | {"scores": {tier: found.tolist() for tier, found in counts.items()}}
        typer.echo(json.dumps(shown, default=str, indent=2))
        return
    terminal = Console()
    terminal.print(f"[bold]{escape(capture.model)} version {escape(capture.version)} as {capture.arm}[/bold]")
    terminal.print(f"  {_span(capture)}, on {escape(capture.replica)}", highlight=False)
    terminal.print(f"  {escape(capture.reason)}", highlight=False, soft_wrap=True)
    for name, value in capture.evidence.items():
        terminal.print(f"  {escape(name)}: {escape(_number(value))}", highlight=False)
    terminal.print(f"  {capture.rows:,} rows in {escape(capture.path)}", highlight=False)
    for tier, found in counts.items():
        _print_histogram(tier, found, terminal)


@app.command()
def export(
    capture_id: IdArgument,
    file: Annotated[Path, typer.Argument(help="A new file, .csv or .parquet.")],
) -> None:
    """Write the captured examples for people to label: request, score, decision, and an empty column `label`."""
    capture = _kept().get(capture_id)
    count = write_rows(file, capture, _files().read(capture_id))
    typer.echo(f"{count:,} examples in {file}; fill `label` with 0 or 1, then: holdfast captures label {file}")


@app.command()
def label(
    file: Annotated[Path, typer.Argument(help="As `holdfast captures export` wrote it, with labels filled in.")],
    reason: Annotated[str, typer.Option(help="How you know; kept with the labels.")],
    name: Annotated[
        str | None, typer.Option("--as", help="The name to act under; else HOLDFAST_ACTOR, else the system's user.")
    ] = None,
) -> None:
    """Take the labels of a file, all or none; lines without one are left out. Trainings weigh them as captured."""
    capture = _kept().get(capture_of(file))
    examples = frozenset(_files().read(capture.capture_id)["example_id"].to_pylist())
    words = read_words(file, examples, blanks_are_skipped=True)
    engine = open_ledger(settings().ledger_address)
    attempt = Attempt("label-capture", capture.capture_id, f"{len(words)} labels: {reason}")
    with acting(attempt, name, Role.REVIEW, settings()) as actor:
        given = PeoplesLabels(engine).give_all(
            capture.model,
            words,
            source="capture",
            who=actor.name,
            reason=reason,
            at=ReplayClock(Progress(engine)).now(),
        )
    typer.echo(f"{len(given):,} labels of {capture.model} from {capture.capture_id} stand, by {given[0].who}")


def _kept() -> Captures:
    return Captures(open_ledger(settings().ledger_address))


def _files() -> CaptureFiles:
    return CaptureFiles(settings().captures)


def _histogram(rows: pa.Table) -> dict[str, np.ndarray]:
    """Return the counts of the scores in ten equal bins of [0, 1], by tier."""
    counts: dict[str, np.ndarray] = {}
    for tier in rows["tier"].unique().to_pylist():
        scores = rows.filter(pa.compute.equal(rows["tier"], tier))["score"].drop_null().to_numpy()
        counts[tier] = np.histogram(scores, bins=HISTOGRAM_BINS, range=(0.0, 1.0))[0]
    return counts


def _print_histogram(tier: str, counts: np.ndarray, terminal: Console) -> None:
    terminal.print(f"  scores by the {escape(tier)}, {int(counts.sum()):,} rows", highlight=False)
    most = max(int(counts.max()), 1)
    for place, count in enumerate(counts.tolist()):
        bar = "█" * round(BAR_CHARACTERS * count / most)
        terminal.print(f"    {place / HISTOGRAM_BINS:.1f} {bar} {count:,}", highlight=False)


def _table(found: Sequence[Capture]) -> Table:
    table = Table("id", "whose", "stopped", "rows", "why", title=f"{len(found)} captures", title_justify="left")
    for one in found:
        whose = f"{one.model} version {one.version} as {one.arm}"
        table.add_row(one.capture_id, escape(whose), _span(one), f"{one.rows:,}", escape(one.reason))
    return table


def _span(capture: Capture) -> str:
    ended = "still" if capture.closed_at is None else f"until {capture.closed_at:%Y-%m-%d %H:%M:%S}"
    return f"{capture.opened_at:%Y-%m-%d %H:%M:%S} {ended}"


def _number(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
