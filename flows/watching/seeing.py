"""Everything that one look sees, part by part: what one part cannot see keeps the others from nothing."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import structlog

from flows.watching.baselines import baseline_of
from flows.watching.cascaded import as_served, small_share
from flows.watching.freshness import see_freshness
from flows.watching.intake import see_intake
from flows.watching.moves import Moves, see_moves
from flows.watching.outcomes import count_outcomes
from flows.watching.outputs import see_outputs
from flows.watching.quality import see_quality
from flows.watching.reconciling import reconcile
from flows.watching.watcher import Watcher
from flows.watching.window import Window
from lifecycle.errors import HoldfastError
from lifecycle.freshness import Freshness
from lifecycle.looking import Part, Seen
from lifecycle.verdict import Finding, Verdict
from stores.events import EventStore
from stores.ledger.baselines import Baseline
from stores.ledger.pins import Pins
from stores.ledger.progress import Progress
from stores.ledger.quality import QualityRecords
from stores.prediction_log.table import PredictionLog
from stores.registry import Registry
from stores.versions import Versions

MEASUREMENTS = 50
"""Of all versions; the champion's newest is among them."""
log = structlog.get_logger()


def see_all(watcher: Watcher, version: str, since: datetime, now: datetime) -> tuple[Sequence[Seen], dict[str, object]]:
    """Return what each part saw, and the evidence to keep; a part that fails is an ERROR of its own."""
    engine, prediction_log = watcher.engine, PredictionLog(watcher.config.prediction_log)
    seen: list[Seen] = []
    evidence: dict[str, object] = {}
    machine_now = datetime.now(UTC)

    def moves(baseline: Baseline) -> Seen:
        found = _moves(watcher, baseline, prediction_log, since, now)
        evidence["columns"] = [asdict(one) | {"effect": one.effect} for one in found.comparisons]
        evidence["rows"] = found.counted.rows
        return found.seen

    def fresh() -> Seen:
        found, word = see_freshness(prediction_log, watcher.definition, since, now)
        evidence.update(_fresh_evidence(found))
        return word

    try:
        baseline = baseline_of(watcher.policy.model, version, config=watcher.config, engine=engine, now=now)
    except HoldfastError as error:
        seen.append(_unseen("drift", error))
        metrics = None
    else:
        seen.append(_tried("drift", lambda: moves(baseline)))
        metrics = baseline.metrics
    kept = QualityRecords(engine).newest(watcher.policy.model, MEASUREMENTS)
    measured = [one for one in kept if one.version == version]
    seen.extend(see_quality(watcher.policy.watching.quality, measured, metrics))
    if measured and measured[0].detail is not None:
        evidence["quality"] = measured[0].detail.model_dump(mode="json", exclude={"slices", "thin"})
    seen.append(_tried("freshness", fresh))
    seen.append(_tried("intake", lambda: see_intake(Progress(engine), watcher.definition, now)))
    seen.append(_tried("outputs", lambda: see_outputs(engine, watcher.policy.model, version, now, machine_now)))
    return seen, evidence


def _moves(
    watcher: Watcher, baseline: Baseline, prediction_log: PredictionLog, since: datetime, now: datetime
) -> Moves:
    reconcile(
        watcher.engine,
        prediction_log,
        watcher.definition,
        baseline,
        now=now,
        machine_now=datetime.now(UTC),
    )
    maturity = timedelta(hours=watcher.policy.training.label_maturity_hours)
    events = EventStore(watcher.config.events)
    outcomes = count_outcomes(watcher.definition, events, since - maturity, now - maturity, now)
    expected = _expected(watcher, baseline, prediction_log, since, now)
    return see_moves(watcher.engine, watcher.policy.watching.drift, Window(expected, since, now), outcomes)


def _expected(
    watcher: Watcher, baseline: Baseline, prediction_log: PredictionLog, since: datetime, now: datetime
) -> Baseline:
    """Return what is to be expected of a version's scores, its small model's among them."""
    if watcher.policy.serving.cascade is None:
        return baseline
    share = small_share(prediction_log, baseline, len(watcher.definition.vector), since, now)
    if not share:
        return baseline
    versions = Versions(watcher.config.versions, Registry(watcher.config.mlflow_address), Pins(watcher.engine))
    return as_served(baseline, versions.open(baseline.model, baseline.version), watcher.policy, share)


def _tried(part: Part, see: Callable[[], Seen]) -> Seen:
    try:
        return see()
    except HoldfastError as error:
        return _unseen(part, error)


def _unseen(part: Part, error: HoldfastError) -> Seen:
    log.warning("part_not_seen", part=part, because=str(error))
    return Seen(part, (Finding(part, Verdict.ERROR, None, None, f"{part} cannot be looked at: {error}"),))


def _fresh_evidence(found: Freshness) -> dict[str, object]:
    return {
        "freshness_hours": {name: view.median_hours for name, view in found.views.items()},
        "beyond_freshness_limit": {name: view.beyond_limit for name, view in found.views.items()},
        "missing": dict(found.defaulted),
    }
