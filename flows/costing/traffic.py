"""What a version answered itself on recorded traffic, with what became of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Engine

from feature_repo.definition import ModelDefinition
from flows.measuring.outcomes import known_labels
from lifecycle.errors import NotFound
from stores.clock import ReplayClock
from stores.events import EventStore
from stores.ledger.labels import PeoplesLabels
from stores.ledger.progress import Progress
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings

ANSWERED = """
SELECT version, example_id, moment_at, features, score,
    predict_us / count(*) OVER (PARTITION BY replica, version, arm, served_at) AS predict_us,
    count(*) OVER (PARTITION BY replica, version, arm, served_at) AS batch_rows
FROM predictions
WHERE model = ? AND served_at >= ? AND len(features) = ? AND score IS NOT NULL
    AND arm IN ('champion', 'control') AND coalesce(tier, 'model') = 'model'
    AND coalesce(outcome, 'answered') = 'answered' AND coalesce(shown, true)
ORDER BY served_at, prediction_id
"""


@dataclass(frozen=True)
class Traffic:
    """One version's own answers in the order of serving; arrays are (n_rows,) but `matrix`, (n_rows, n_features).

    `labels` are 0, 1 or NaN where the outcome is not known; `predict_us` is each row's share of its micro-batch's time.
    """

    version: str
    matrix: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    predict_us: np.ndarray
    mean_batch_rows: float


def recorded_traffic(
    definition: ModelDefinition, since: datetime, config: Settings, engine: Engine
) -> tuple[Traffic, ...]:
    """Return what each version answered as champion to requests served at or after a moment."""
    log = PredictionLog(config.prediction_log)
    rows = log.query_table(ANSWERED, (definition.name, since, len(definition.vector)))
    if not rows.num_rows:
        return ()
    labels = _labels(definition, rows, config, engine)
    versions = rows["version"].to_numpy(zero_copy_only=False)
    found = []
    for version in sorted(set(versions), key=lambda name: (len(name), name)):
        mine = np.flatnonzero(versions == version)
        found.append(_traffic(str(version), rows.take(pa.array(mine)), labels[mine], len(definition.vector)))
    return tuple(found)


def _traffic(version: str, rows: pa.Table, labels: np.ndarray, width: int) -> Traffic:
    features = rows["features"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return Traffic(
        version=version,
        matrix=np.ascontiguousarray(features.reshape(rows.num_rows, width), dtype=np.float32),
        scores=rows["score"].to_numpy(),
        labels=labels,
        predict_us=rows["predict_us"].to_numpy().astype(np.float64),
        mean_batch_rows=float((1 / rows["batch_rows"].to_numpy()).sum() ** -1 * rows.num_rows),
    )


def _labels(definition: ModelDefinition, rows: pa.Table, config: Settings, engine: Engine) -> np.ndarray:
    """Return each row's label, NaN where it is not known."""
    moments = rows["moment_at"].to_pandas()
    try:
        known = known_labels(
            definition,
            EventStore(config.events),
            PeoplesLabels(engine),
            start=moments.min().to_pydatetime(),
            end=moments.max().to_pydatetime() + timedelta(microseconds=1),
            now=ReplayClock(Progress(engine)).now(),
        )
    except NotFound:
        # No outcome was ever stored here; what is decided otherwise can be told all the same.
        return np.full(rows.num_rows, np.nan)
    label_of: pd.Series = known.set_index("example_id")["label"]
    labels: np.ndarray = rows["example_id"].to_pandas().map(label_of).to_numpy(dtype=np.float64)
    return labels
