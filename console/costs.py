"""`holdfast costs`: what was spent on answers, and what a cascade would have saved."""

import subprocess
import sys
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from console.environment import child_environment
from console.log import AsJson, print_json
from console.models import require_known
from lifecycle.errors import InvalidInput
from stores.prediction_log.table import PredictionLog, Row
from stores.settings import settings

app = typer.Typer(help="What was spent on answers, by tier, version or tenant.", invoke_without_command=True)


class By(StrEnum):
    """What costs are added up by."""

    TIER = "tier"
    TENANT = "tenant"
    VERSION = "version"


@app.callback()
def costs(
    context: typer.Context,
    by: Annotated[By, typer.Option(help="Add up by this.")] = By.TIER,
    model: Annotated[str | None, typer.Option(help="Only this model's.")] = None,
    since: Annotated[str | None, typer.Option(help="Served from then on, such as 2026-01-31T00:00:00Z.")] = None,
    as_json: AsJson = False,  # noqa: FBT002 - a flag
) -> None:
    """Add up what the shipped rows of the prediction log cost."""
    if context.invoked_subcommand is not None:
        return
    found = spent(PredictionLog(settings().prediction_log), by, model, _moment(since))
    require_known(settings().policies, model, found)
    if as_json:
        print_json(found)
    else:
        _print(found, by, Console())


@app.command()
def cascade(
    model: Annotated[str, typer.Option(help="Whose traffic.")],
    since: Annotated[str, typer.Option(help="Served from then on, such as 2026-01-31T00:00:00Z.")],
    decided_otherwise_at_most: Annotated[
        float | None, typer.Option(help="In place of the policy's share.", min=0, max=1)
    ] = None,
    confidence: Annotated[float | None, typer.Option(help="In place of the policy's.", min=0.5, max=1)] = None,
    as_json: AsJson = False,  # noqa: FBT002 - a flag
) -> None:
    """Say what the small model would have answered of recorded traffic, what that saves, and what it loses."""
    options = ["--model", model, "--since", since]
    for name, value in (("--decided-otherwise-at-most", decided_otherwise_at_most), ("--confidence", confidence)):
        options += [] if value is None else [name, f"{value:g}"]
    # Only flows may gather evidence: it takes the model's own labels.
    done = subprocess.run(  # noqa: S603 - our own module, and options that it checks
        [sys.executable, "-m", "flows.try_cascade", *options, *(["--json"] if as_json else [])],
        env=dict(child_environment(settings())),
        check=False,
    )
    if done.returncode:
        raise typer.Exit(done.returncode)


def spent(log: PredictionLog, by: By, model: str | None, since: datetime | None) -> list[Row]:
    """Return rows, answers and cost by model and one more column, the dearest first.

    `answers` are the rows that clients were shown; `priced` those of all rows that have a cost.
    """
    # Rows older than the column were all a version's.
    column = "coalesce(tier, 'model')" if by is By.TIER else f"coalesce({by.value}, '')"
    wanted = " AND ".join(["true", *(["model = ?"] if model else []), *(["served_at >= ?"] if since else [])])
    sql = f"""
        SELECT model, {column} AS "{by.value}", count(*) AS rows,
            count(*) FILTER (WHERE coalesce(shown, true) AND coalesce(outcome, 'answered') = 'answered') AS answers,
            count(cost) AS priced, coalesce(sum(cost), 0) AS cost
        FROM predictions WHERE {wanted} GROUP BY 1, 2 ORDER BY cost DESC, model, 2
    """  # noqa: S608 - the column is one of three words, and values are parameters
    return log.query(sql, [one for one in (model, since) if one is not None])


def _print(found: list[Row], by: By, terminal: Console) -> None:
    if not found:
        terminal.print("Nothing was logged and shipped in this time.")
        return
    table = Table()
    for name in ("model", by.value, "rows", "answers", "cost", "per 1,000 answers"):
        table.add_column(name, justify="left" if name in ("model", by.value) else "right")
    for row in found:
        each = f"{1000 * row['cost'] / row['answers']:,.4g}" if row["answers"] else ""
        name = row[by.value] or "(nobody said)"
        table.add_row(
            escape(row["model"]), escape(name), f"{row['rows']:,}", f"{row['answers']:,}", f"{row['cost']:,.6g}", each
        )
    terminal.print(table)
    unpriced = sum(row["rows"] - row["priced"] for row in found)
    if unpriced:
        terminal.print(
            f"{unpriced:,} of these rows have no cost: they are a shadow's, or were logged while the policy had no "
            "prices.",
            style="dim",
        )


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"--since is {text!r}; allowed: ISO 8601 with a zone, as 2026-01-31T00:00:00Z") from error
    if moment.tzinfo is None:
        raise InvalidInput(f"--since {text} has no zone; write 2026-01-31T00:00:00Z")
    return moment
