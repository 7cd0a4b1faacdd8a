"""The comparison of the frozen first champion with the kept model, as a person reads it."""

from rich.table import Table
from sqlalchemy import Engine

from feature_repo.definition import ModelDefinition
from flows.playing.kept import Comparison, Month, compare_with_frozen
from lifecycle.evaluation import Metrics
from stores.clock import ReplayClock
from stores.events import EventStore
from stores.ledger.pins import Pins
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress
from stores.policies import load_policy
from stores.prediction_log.table import PredictionLog
from stores.registry import Registry
from stores.settings import Settings
from stores.versions import Versions


def compare_champions(definition: ModelDefinition, config: Settings, engine: Engine) -> Comparison | None:
    """Return the first champion that ever stood beside what was kept, None while there was only one champion."""
    champions = [plan.champion for plan, _ in Plans(engine).history(definition.name) if plan.champion is not None]
    if len(set(champions)) < 2:  # noqa: PLR2004 - one champion was kept as it is
        return None
    return compare_with_frozen(
        champions[0],
        definition,
        load_policy(config.policies, definition.name),
        log=PredictionLog(config.prediction_log),
        events=EventStore(config.events),
        versions=Versions(config.versions, Registry(config.mlflow_address), Pins(engine)),
        clock=ReplayClock(Progress(engine)),
    )


def table_of(found: Comparison) -> Table:
    """Return a row for each month, and one for all; what is better is bold, whichever of the two it is."""
    frozen = f"v{found.frozen_version}"
    table = Table(
        box=None,
        padding=(0, 1, 0, 0),
        title="\nThe first champion, frozen, beside the kept model, on the same requests",
        title_justify="left",
    )
    # So narrow that no figure is cut in a terminal of 80 columns.
    for name in ("\nmonth", "answered\nby"):
        table.add_column(name, no_wrap=True)
    for name in (
        "\nlabelled",
        "AUC\nkept",
        f"\n{frozen}",
        "log-loss\nkept",
        f"\n{frozen}",
        "cost\nkept",
        f"\n{frozen}",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for month in (*found.months, *((found.together,) if found.together and len(found.months) > 1 else ())):
        table.add_row(month.month, ", ".join(month.versions), f"{month.kept.rows:,}", *_figures(month))
    return table


def _figures(month: Month) -> list[str]:
    cells: list[str] = []
    for name, higher in (("auc", True), ("log_loss", False), ("cost_per_row", False)):
        kept, frozen = _value(month.kept, name), _value(month.frozen, name)
        texts = ["-" if value is None else f"{value:.4f}" for value in (kept, frozen)]
        if kept is not None and frozen is not None and kept != frozen:
            better = 0 if (kept > frozen) == higher else 1
            texts[better] = f"[bold]{texts[better]}[/bold]"
        cells.extend(texts)
    return cells


def _value(metrics: Metrics, name: str) -> float | None:
    value: float | None = getattr(metrics, name)
    return value
