"""The table at the end of a play: what went in, what came out, how good and how fast it was."""

import numpy as np
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from feature_repo.definition import ModelDefinition
from flows.traffic import Tally
from lifecycle.evaluation import Evaluation, Metrics
from lifecycle.quality import Quality
from stores.ledger.decisions import Decisions
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress
from stores.ledger.quality import QualityRecords
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings


def print_summary(
    definition: ModelDefinition, config: Settings, engine: Engine, tally: Tally, terminal: Console
) -> None:
    """Print the summary of one play."""
    table = Table("what", "figure", title=f"\n{definition.name}", title_justify="left", show_header=False)
    for what, figure in [
        *_taken_in(definition, engine),
        *_decided(definition, engine),
        *_served(definition, config, tally),
        *_measured(definition, engine),
    ]:
        table.add_row(what, figure)
    terminal.print(table)


def _taken_in(definition: ModelDefinition, engine: Engine) -> list[tuple[str, str]]:
    totals = Progress(engine).totals(definition.name)
    features = sum(len(view.features) for view in definition.views) + len(definition.derived)
    return [
        ("events in", f"{totals.rows_new:,} in {totals.batches:,} batches"),
        ("quarantined", f"{totals.rows_quarantined:,} (holdfast quarantine list)"),
        ("features", f"{features} in {len(definition.views)} views, {len(definition.vector)} in the model's vector"),
    ]


def _decided(definition: ModelDefinition, engine: Engine) -> list[tuple[str, str]]:
    champion = Plans(engine).current(definition.name).champion
    rows = [("champion", f"version {champion}")]
    decision = next((made for made in Decisions(engine).of(definition.name) if made.version == champion), None)
    if decision is None:
        return rows
    evaluation = Evaluation.model_validate(decision.evidence["evaluation"])
    rows.extend((f"  {name}", _told(measured.overall)) for name, measured in evaluation.scorers().items())
    rows.append(("offline gate", decision.reason))
    rows.extend((f"  {finding.rule_id}", finding.reason) for finding in decision.findings)
    return rows


def _served(definition: ModelDefinition, config: Settings, tally: Tally) -> list[tuple[str, str]]:
    logged = PredictionLog(config.prediction_log).count(definition.name, with_pending=True)
    rows = [("predictions served", f"{tally.answered:,} now, {len(tally.failures):,} failed; {logged:,} in the log")]
    if tally.answered:
        p50, p95 = np.percentile(tally.latencies_ms, [50, 95])
        rows.append(("latency at the client", f"p50 {p50:.1f} ms, p95 {p95:.1f} ms (one connection)"))
    return rows


def _measured(definition: ModelDefinition, engine: Engine) -> list[tuple[str, str]]:
    champion = Plans(engine).current(definition.name).champion
    newest = next(
        (found for found in QualityRecords(engine).newest(definition.name) if found.version == champion), None
    )
    return [("rolling week", "no labels have come in yet" if newest is None else _quality(newest))]


def _quality(found: Quality) -> str:
    return f"{_told(found.metrics)}; {found.labelled:,} of {found.predictions:,} predictions have their label"


def _told(metrics: Metrics) -> str:
    figures = {
        "AUC": metrics.auc,
        "AP": metrics.average_precision,
        "log-loss": metrics.log_loss,
        "Brier": metrics.brier,
        "cost": metrics.cost_per_row,
    }
    return ", ".join(f"{name} {value:.3f}" for name, value in figures.items() if value is not None)
