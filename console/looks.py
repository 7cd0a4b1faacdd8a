"""`holdfast looks`: what each round of watching found of the version that serves."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from console.models import require_known
from lifecycle.look import Look
from lifecycle.verdict import Verdict
from stores.ledger.looks import Looks
from stores.ledger.opening import open_ledger
from stores.policies import policy_models
from stores.settings import settings

MARKS = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.INCONCLUSIVE: "yellow", Verdict.ERROR: "red"}
COLUMNS_SHOWN = 12


def looks(
    model: Annotated[str | None, typer.Option(help="Only this model's.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many of each model.", min=1)] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Show the newest looks: what was compared, what moved most, and what was called an alarm."""
    config = settings()
    kept = Looks(open_ledger(config.ledger_address))
    models = (model,) if model else policy_models(config.policies)
    found = [look for name in models for look in kept.newest(name, limit)]
    require_known(config.policies, model, found)
    if as_json:
        typer.echo(json.dumps([asdict(look) for look in found], default=str, indent=2))
        return
    terminal = Console()
    for look in found:
        _print_look(look, terminal)
    if not found:
        terminal.print("Nobody has looked yet; the flow `watch` does.")


def _print_look(look: Look, terminal: Console) -> None:
    terminal.print(
        f"[bold]{look.until_at:%Y-%m-%d %H:%M} UTC  {escape(look.model)} version {escape(look.version)}[/bold]  "
        f"[{MARKS[look.verdict]}]{look.verdict}[/]  {look.rows:,} answers since {look.since_at:%Y-%m-%d %H:%M}",
        highlight=False,
    )
    terminal.print(f"  {escape(look.reason)}", highlight=False, soft_wrap=True)
    columns = sorted(_columns(look.evidence), key=_moved, reverse=True)[:COLUMNS_SHOWN]
    if not columns:
        return
    table = Table(box=None, padding=(0, 2, 0, 2))
    table.add_column("column", no_wrap=True, min_width=max(len(str(column.get("column"))) for column in columns))
    for name in ("PSI", "by chance", "JS", "missing", "before", "p by days"):
        table.add_column(name, justify="right")
    for column in columns:
        moved = column.get("moved")
        table.add_row(
            escape(str(column.get("column"))),
            *(_number(column.get(name), "{:.3f}") for name in ("psi", "blocked_expected_psi", "js")),
            *(_number(column.get(name), "{:.1%}") for name in ("missing", "baseline_missing")),
            _number(moved.get("blocked_p_value") if isinstance(moved, Mapping) else None, "{:.2g}"),
        )
    terminal.print(table)


def _columns(evidence: Mapping[str, object]) -> Iterator[Mapping[str, Any]]:
    columns = evidence.get("columns")
    if isinstance(columns, list):
        yield from (column for column in columns if isinstance(column, Mapping))


def _moved(column: Mapping[str, Any]) -> float:
    return float(column.get("effect") or 0.0)


def _number(value: object, pattern: str) -> str:
    return pattern.format(value) if isinstance(value, int | float) else ""
