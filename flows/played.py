"""The table at the end of a play: what went in, what came out, what was decided, how good and how fast it was."""

from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Engine

from feature_repo.definition import ModelDefinition
from flows.playing.attempts import Counts, count_attempts
from flows.playing.kept_table import compare_champions, table_of
from flows.playing.sentences import sentence
from flows.traffic import Tally
from lifecycle.evaluation import Evaluation, Metrics
from lifecycle.outcome import Action
from lifecycle.quality import Quality
from lifecycle.verdict import Decision
from stores.ledger.decisions import Decisions
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress
from stores.ledger.quality import QualityRecords
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings

STEPS_ON_THE_WAY = (Action.ADMIT, Action.START_SHADOW)
"""Nothing was judged by them; `holdfast decisions` has them."""


def print_summary(
    definition: ModelDefinition, config: Settings, engine: Engine, tally: Tally, terminal: Console
) -> None:
    """Print the summary of one play."""
    counts = count_attempts(PredictionLog(config.prediction_log), definition.name)
    table = Table(title=f"\n{definition.name}", title_justify="left", show_header=False)
    table.add_column("what", no_wrap=True)
    table.add_column("figure")
    for what, figure in [
        *_taken_in(definition, engine),
        *_gated(definition, engine),
        *_served(tally, counts),
        *_measured(definition, engine),
        *decided(Decisions(engine).of(definition.name, limit=None), counts),
    ]:
        table.add_row(escape(what), escape(figure))
    terminal.print(table)
    kept = compare_champions(definition, config, engine)
    if kept is not None and kept.months:
        terminal.print(table_of(kept))


def _taken_in(definition: ModelDefinition, engine: Engine) -> list[tuple[str, str]]:
    totals = Progress(engine).totals(definition.name)
    features = sum(len(view.features) for view in definition.views) + len(definition.derived)
    return [
        ("events in", f"{totals.rows_new:,} in {totals.batches:,} batches"),
        ("quarantined", f"{totals.rows_quarantined:,} (holdfast quarantine list)"),
        ("features", f"{features} in {len(definition.views)} views, {len(definition.vector)} in the model's vector"),
    ]


def _gated(definition: ModelDefinition, engine: Engine) -> list[tuple[str, str]]:
    """Say how the newest version that went through the offline gate compared."""
    made = Decisions(engine).of(definition.name, limit=None)
    decision = next((one for one in made if "evaluation" in one.evidence), None)
    if decision is None:
        return []
    evaluation = Evaluation.model_validate(decision.evidence["evaluation"])
    rows = [("offline gate", f"version {decision.version} {decision.reason}")]
    rows.extend((f"  {name}", _told(measured.overall)) for name, measured in evaluation.scorers().items())
    rows.extend((f"  {finding.rule_id}", finding.reason) for finding in decision.findings)
    return rows


def _served(tally: Tally, counts: Counts) -> list[tuple[str, str]]:
    unseen = counts.rows - counts.shown
    logged = f"{counts.shown:,} in the log" + (
        f", and {unseen:,} attempts beside them that nobody saw" if unseen else ""
    )
    rows = [("predictions served", f"{tally.answered:,} now, {len(tally.failures):,} failed; {logged}")]
    if tally.answered:
        p50, p95 = np.percentile(tally.latencies_ms, [50, 95])
        rows.append(("latency at the client", f"p50 {p50:.1f} ms, p95 {p95:.1f} ms (one connection)"))
    return rows


def decided(newest_first: Sequence[Decision], counts: Counts) -> list[tuple[str, str]]:
    """Return a row for each decision that judged something, oldest first, each version's answers after its last.

    `newest_first` are a model's decisions.
    """
    made = list(reversed(newest_first))
    told = [decision for decision in made if decision.action not in STEPS_ON_THE_WAY]
    last = {decision.version: decision.decision_id for decision in told}
    rows = [("decisions", f"{len(made)} made (holdfast decisions)")]
    for decision in told:
        rows.append((f"  {decision.decided_at:%d %b %H}h  v{decision.version}", sentence(decision)))
        answers = counts.told(decision.version)
        if last[decision.version] == decision.decision_id and answers:
            rows.append(("", f"answers of version {decision.version}: {answers}"))
    return rows


def _measured(definition: ModelDefinition, engine: Engine) -> list[tuple[str, str]]:
    champion = Plans(engine).current(definition.name).champion
    newest = next(
        (found for found in QualityRecords(engine).newest(definition.name) if found.version == champion), None
    )
    stands = ("champion", f"version {champion}")
    return [stands, ("rolling week", "no labels have come in yet" if newest is None else _quality(newest))]


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
