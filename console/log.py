"""`holdfast log`: look into the prediction log."""

import json
import math
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stores.prediction_log.table import PredictionLog, Row
from stores.settings import settings

app = typer.Typer(help="Look into the prediction log.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
GLANCE = (
    "served_at",
    "prediction_id",
    "model",
    "version",
    "arm",
    "outcome",
    "score",
    "decision",
    "defaulted",
    "example_id",
)
"""What a person wants to see of a prediction first; `--json` has every column."""
UNFOLDED_COLUMNS = 10_000


@app.command()
def tail(
    rows: Annotated[int, typer.Option("--rows", "-n", help="How many.", min=1)] = 10,
    as_json: AsJson = False,  # noqa: FBT002 - a flag
) -> None:
    """Show the newest rows at the bottom: predictions, and attempts that nobody was shown."""
    found = PredictionLog(settings().prediction_log).tail(rows)
    if as_json:
        print_json(found)
    else:
        print_rows([{name: row[name] for name in GLANCE} for row in found], _terminal())


@app.command()
def count(
    model: Annotated[str | None, typer.Option(help="Only this model's.")] = None,
    as_json: AsJson = False,  # noqa: FBT002 - a flag
) -> None:
    """Count the predictions that clients were shown: shipped to the table, and still waiting in segments."""
    log = PredictionLog(settings().prediction_log)
    counted = log.count(model)
    together = log.count(model, with_pending=True)
    if as_json:
        print_json({"model": model, "predictions": together, "shipped": counted})
    else:
        typer.echo(f"{together} predictions{f' of {model}' if model else ''}, {counted} of them shipped")


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="One SELECT over `predictions`, in DuckDB's SQL.")],
    as_json: AsJson = False,  # noqa: FBT002 - a flag
) -> None:
    """Run a read-only SQL query over the shipped predictions; times are UTC."""
    found = PredictionLog(settings().prediction_log).query(sql)
    if as_json:
        print_json(found)
    else:
        print_rows(found, _terminal())


def print_rows(rows: Sequence[Row], terminal: Console) -> None:
    """Print rows as a table, folded to the terminal's width and never cut."""
    if not rows:
        terminal.print("no rows")
        return
    table = Table()
    for name in rows[0]:
        table.add_column(escape(name), overflow="fold", no_wrap=name == "prediction_id")
    for row in rows:
        table.add_row(*(escape(_shown(value)) for value in row.values()))
    terminal.print(table)


def print_json(value: object) -> None:
    """Print JSON: times as ISO 8601, a number that is not finite as null."""
    typer.echo(json.dumps(_plain(value), indent=2))


def _terminal() -> Console:
    terminal = Console()
    # A pipe or a file has no width to fold to.
    return terminal if terminal.is_terminal else Console(width=UNFOLDED_COLUMNS)


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S.%f}"[:-3]
    if isinstance(value, list):
        return ", ".join(_shown(one) for one in value)
    return "" if value is None else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str | int | None) else str(value)
