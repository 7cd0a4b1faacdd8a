"""Measure: join what was answered with the labels that have come in, by version, over a rolling week."""

from datetime import datetime, timedelta

import pandas as pd
import structlog
from prefect import flow
from sqlalchemy import Engine

from expectations.suite import examine, load_suites
from feature_repo.definition import load_definition
from flows.moments import require_zone
from flows.training.evaluate import measure_rows
from flows.turns import take_turns
from lifecycle.errors import DataRejected
from lifecycle.policy import Policy
from lifecycle.quality import Quality
from stores.clock import ReplayClock
from stores.events import EventStore
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.ledger.quality import QualityRecords
from stores.policies import load_policy, policy_models
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings, settings

ROLLING = timedelta(days=7)

ANSWERED = """
SELECT prediction_id, version, example_id, request, score, decision, served_at, moment_at
FROM predictions
WHERE model = ? AND moment_at >= ? AND moment_at < ? AND outcome IS DISTINCT FROM 'failed'
ORDER BY served_at
"""
SUITE = "served_predictions"

log = structlog.get_logger()


@flow
def measure(model: str | None = None, until: datetime | None = None) -> tuple[Quality, ...]:
    """Record the quality of every version that answered in the week up to `until` (now by default).

    A model that has answered nothing yet is passed over. Labels count as of now, so a later run over the
    same week knows more. Raises, after every model had its turn, DataRejected when what was served fails its
    suite; InvalidInput for a time without a zone.
    """
    config = settings()
    engine = open_ledger(config.ledger_address)
    require_zone(until)

    def act(name: str) -> list[Quality]:
        measured = _measure_model(name, until, config, engine)
        for quality in measured:
            QualityRecords(engine).record(quality)
            log.info("measured", model=quality.model, version=quality.version, labelled=quality.labelled)
        return measured

    turns = take_turns(policy_models(config.policies) if model is None else (model,), act)
    return tuple(quality for measured in turns for quality in measured)


def _measure_model(model: str, until: datetime | None, config: Settings, engine: Engine) -> list[Quality]:
    now = ReplayClock(Progress(engine)).now()
    end = until or now
    start = end - ROLLING
    served = PredictionLog(config.prediction_log).query_table(ANSWERED, (model, start, end)).to_pandas()
    if served.empty:
        return []
    _examine(model, served)
    # A thing asked about twice counts once per version, by the last answer.
    answered = served.drop_duplicates(["version", "example_id"], keep="last")
    labels = _labels(model, config, start, end, now)
    policy = load_policy(config.policies, model)
    return [
        _quality(
            model,
            str(version),
            start=start,
            end=end,
            rows=rows.merge(labels, on="example_id", how="left"),
            policy=policy,
            now=now,
        )
        for version, rows in answered.groupby("version")
    ]


def _examine(model: str, served: pd.DataFrame) -> None:
    found = examine(load_suites(model)[SUITE], served)
    if not found.accepted:
        raise DataRejected(f"what {model} served fails its suite {SUITE}: {found.reason}")


def _labels(model: str, config: Settings, start: datetime, end: datetime, now: datetime) -> pd.DataFrame:
    definition, store = load_definition(model), EventStore(config.events)
    events = {
        stream.name: store.load(model, stream.name, start - definition.lookback, now) for stream in definition.streams
    }
    return definition.examples(events, start, end)[["example_id", "label"]]


def _quality(
    model: str, version: str, *, start: datetime, end: datetime, rows: pd.DataFrame, policy: Policy, now: datetime
) -> Quality:
    known = rows.dropna(subset="label")
    metrics = measure_rows(known["label"].to_numpy("int64"), known["score"].to_numpy("float64"), policy)
    return Quality(model, version, start, end, len(rows), len(known), metrics, now)
