"""`make bench-year`: month by month, what moved against the first months of the year, and what it did to quality."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from flows.training.evaluate import measure_rows
from lifecycle.alarms import AlarmKind
from lifecycle.evaluation import Metrics
from stores.policies import load_policy
from stores.settings import settings
from tests.bench.quality.year import MODEL
from tests.bench.year.flights import flights_of_year
from tests.bench.year.months import Month, baseline_of, months_of, weeks_of
from tests.bench.year.picture import draw_year

NAMED = 6
QUALITY_MARGIN = 0.04
"""As policies/flight_delay.yaml calls a version overtaken, in log loss."""


def add_year_options(parser: argparse.ArgumentParser) -> None:
    """Add the option of this benchmark."""
    parser.add_argument("--picture", type=Path, help="where bench-year writes its picture, a PNG")


def bench_year(terminal: Console, given: argparse.Namespace) -> Mapping[str, object]:
    """Print the months and weeks, draw the picture when a path is given, and return the figures."""
    policy = load_policy(settings().policies, MODEL)
    year = flights_of_year(policy)
    baseline = baseline_of(year)
    accepted = measure_rows(year.rows.judge.labels, year.baseline_scores, policy)
    months, weeks = months_of(year, baseline, policy), weeks_of(year, baseline, policy)
    terminal.print(_table(months, accepted))
    first_drift = {kind: _first(weeks, kind) for kind in (AlarmKind.DRIFT, AlarmKind.SCORES, AlarmKind.LABELS)}
    worse = next((week.name for week in weeks if _worse(week.metrics, accepted)), None)
    terminal.print(
        f"Looking at weeks: features first moved in the week of {first_drift[AlarmKind.DRIFT]}, scores in "
        f"{first_drift[AlarmKind.SCORES]}, outcomes in {first_drift[AlarmKind.LABELS]}; the first week whose log loss "
        f"was over {QUALITY_MARGIN} above that of acceptance ({accepted.log_loss:.3f}) began {worse}"
    )
    if given.picture is not None:
        draw_year(months, accepted, given.picture)
        terminal.print(f"Picture in {given.picture}")
    return {
        "baseline_rows": baseline.rows,
        "accepted": accepted.model_dump(),
        "first_week": {str(kind): name for kind, name in first_drift.items()},
        "first_worse_week": worse,
        "months": [_figures(month) for month in months],
        "weeks": [_figures(week) for week in weeks],
    }


def _first(weeks: Sequence[Month], kind: AlarmKind) -> str | None:
    return next((week.name for week in weeks if any(move.kind is kind for move in week.moves)), None)


def _worse(metrics: Metrics, accepted: Metrics) -> bool:
    if metrics.log_loss is None or accepted.log_loss is None:
        return False
    return metrics.log_loss - accepted.log_loss > QUALITY_MARGIN


def _figures(month: Month) -> Mapping[str, object]:
    return {
        "name": month.name,
        "rows": month.rows,
        "days": month.days,
        "metrics": month.metrics.model_dump(),
        "moves": [asdict(move) | {"kind": str(move.kind)} for move in month.moves],
    }


def _table(months: Sequence[Month], accepted: Metrics) -> Table:
    table = Table(title="Against what the version learned from, January to March", title_justify="left")
    for name in ("month", "features moved", "the largest", "scores", "outcomes"):
        table.add_column(name)
    for name in ("late", "AUC", "log loss", "cost"):
        table.add_column(name, justify="right")
    table.add_row("accepted on March", "", "", "", "", *_metrics(accepted))
    for month in months:
        moved = {move.column: move for move in month.moves}
        features = [move for move in month.moves if move.kind not in (AlarmKind.SCORES, AlarmKind.LABELS)]
        largest = sorted(features, key=lambda move: -move.value)[:NAMED]
        table.add_row(
            month.name,
            f"{len(features)} of {len(month.comparisons) - 2}",
            ", ".join(f"{move.column} {move.value:.2f}" for move in largest),
            *(f"{moved[name].value:.2f}" if name in moved else "-" for name in ("score", "label")),
            *_metrics(month.metrics),
        )
    return table


def _metrics(metrics: Metrics) -> tuple[str, ...]:
    late = f"{metrics.positives / metrics.rows:.1%}"
    return late, *(
        f"{value:.3f}" for value in (metrics.auc, metrics.log_loss, metrics.cost_per_row) if value is not None
    )
