"""`holdfast quarantine`: the rows that were set aside, and the way back in for those that belong."""

import json
import subprocess
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from console.audit import Attempt, acting
from console.environment import child_environment
from lifecycle.errors import InvalidInput, Unavailable
from lifecycle.quarantine import RowState
from lifecycle.tenants import Role
from stores.clock import ReplayClock
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.policies import policy_models
from stores.quarantine import Move, Quarantine, QuarantinedRow
from stores.settings import settings

app = typer.Typer(help="Rows that failed an expectation, and the way back in.", no_args_is_help=True)

ModelOption = Annotated[str | None, typer.Option(help="Which model; the only policy by default.")]
StreamOption = Annotated[str | None, typer.Option(help="Only rows of this stream.")]


@app.command("list")
def list_rows(
    model: ModelOption = None,
    stream: StreamOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Readmitted rows, too.")] = False,  # noqa: FBT002 - a flag
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """List the rows that wait, newest first: which event, what it failed, who asked for it."""
    states = tuple(RowState) if everything else (RowState.WAITING, RowState.ASKED)
    rows = _rows(_chosen(model), stream, states)
    if as_json:
        typer.echo(json.dumps([_as_json(row) for row in rows], indent=2))
    elif rows:
        Console().print(_table(rows))
    else:
        Console().print("Nothing is in quarantine.")


@app.command()
def readmit(
    reason: Annotated[str, typer.Option(help="Why these rows belong in; kept with them.")],
    entries: Annotated[list[str] | None, typer.Argument(help="Ids from `holdfast quarantine list`.")] = None,
    *,
    model: ModelOption = None,
    stream: StreamOption = None,
    every: Annotated[bool, typer.Option("--all", help="Every waiting row.")] = False,
    force: Annotated[bool, typer.Option(help="Let them in whatever they fail.")] = False,
) -> None:
    """Examine rows again by the suites of today and let in those that pass; --force lets them all in."""
    chosen = _chosen(model)
    entries = entries or []
    if every == bool(entries):
        raise InvalidInput("name the rows by id, or all that wait with --all; see `holdfast quarantine list`")
    if not reason.strip():
        raise InvalidInput("the reason is empty; say why these rows belong in")
    waiting = (RowState.WAITING, RowState.ASKED)
    wanted = [row.entry_id for row in _rows(chosen, stream, waiting)] if every else entries
    if not wanted:
        Console().print("Nothing is in quarantine.")
        return
    now = ReplayClock(Progress(open_ledger(settings().ledger_address))).now()
    attempt = Attempt("readmit", chosen, f"{len(wanted)} rows{', forced' if force else ''}: {reason.strip()}")
    with acting(attempt, None, Role.OPERATE, settings()) as actor:
        step = Move(RowState.ASKED, actor.name, reason.strip(), forced=force, at=now)
        Quarantine(settings().quarantine).move(chosen, wanted, step)
    # Only flows may examine; what was asked is kept, so that a run that dies is made up for by the next.
    done = subprocess.run(  # noqa: S603 - our own module, and a model that has a policy
        [sys.executable, "-m", "flows.readmit", chosen], env=dict(child_environment(settings())), check=False
    )
    if done.returncode:
        raise Unavailable(
            f"{len(wanted)} rows of {chosen} are asked for, but were not examined; the reason stands above. "
            "They stay asked for: the next scheduled readmit examines them"
        )


def _chosen(model: str | None) -> str:
    known = policy_models(settings().policies)
    if (model is None and len(known) != 1) or (model is not None and model not in known):
        raise InvalidInput(f"there are policies for {', '.join(known) or 'no model'}; choose one with --model")
    return model or known[0]


def _rows(model: str, stream: str | None, states: tuple[RowState, ...]) -> tuple[QuarantinedRow, ...]:
    rows = Quarantine(settings().quarantine).rows(model, states)
    return tuple(row for row in rows if stream in (None, row.stream))


def _table(rows: tuple[QuarantinedRow, ...]) -> Table:
    table = Table("id", "stream", "event", "failed", "window", "state", title=f"{len(rows)} rows", title_justify="left")
    for row in rows:
        key = " ".join(_shown(value) for value in json.loads(row.key).values())
        window = f"{row.start_at:%Y-%m-%d %H:%M} to {row.end_at:%Y-%m-%d %H:%M}"
        table.add_row(row.entry_id, row.stream, escape(key), "\n".join(row.failed), window, _history(row))
    return table


def _shown(value: object) -> str:
    return str(value["utc"]) if isinstance(value, dict) else str(value)


def _history(row: QuarantinedRow) -> str:
    if not row.moves:
        return str(row.state)
    last = row.moves[-1]
    return escape(f"{row.state} ({last.who}, {last.at:%Y-%m-%d %H:%M}: {last.why})")


def _as_json(row: QuarantinedRow) -> dict[str, object]:
    return {
        "id": row.entry_id,
        "stream": row.stream,
        "key": json.loads(row.key),
        "failed": list(row.failed),
        "row": json.loads(row.row),
        "start_at": row.start_at.isoformat(),
        "end_at": row.end_at.isoformat(),
        "quarantined_at": row.quarantined_at.isoformat(),
        "state": str(row.state),
        "moves": [
            {
                "state": str(move.state),
                "who": move.who,
                "why": move.why,
                "forced": move.forced,
                "at": move.at.isoformat(),
            }
            for move in row.moves
        ],
    }
