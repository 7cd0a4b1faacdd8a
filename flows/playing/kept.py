"""The first champion, frozen, beside what was kept in its place: on the same served requests, month by month."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from feature_repo.definition import ModelDefinition
from flows.supervision.labels import KnownLabels
from flows.training.evaluate import measure_rows
from lifecycle.evaluation import Metrics
from lifecycle.policy import Policy
from stores.clock import Clock
from stores.events import EventStore
from stores.prediction_log.table import SHOWN, PredictionLog
from stores.predictor import load_predictor
from stores.versions import Versions

COLUMNS = ("prediction_id", "example_id", "version", "moment_at", "features", "score", "outcome", "shown")


@dataclass(frozen=True)
class Month:
    """One month's answers whose outcome is known: what clients got, and what the frozen version says to the same rows.

    `versions` answered in it, in order of name.
    """

    month: str
    versions: tuple[str, ...]
    kept: Metrics
    frozen: Metrics


@dataclass(frozen=True)
class Comparison:
    """The months in order, and all of them together."""

    frozen_version: str
    months: tuple[Month, ...]
    together: Month | None


def compare_with_frozen(
    frozen: str,
    definition: ModelDefinition,
    policy: Policy,
    *,
    log: PredictionLog,
    events: EventStore,
    versions: Versions,
    clock: Clock,
) -> Comparison:
    """Return how the version `frozen` would have answered what was really asked, beside what was answered.

    Both are held against the same outcomes, from the same logged features; a request asked twice counts by its last
    answer. No month without a known outcome is there.
    """
    rows = _answers(log, definition.name)
    if rows.empty:
        return Comparison(frozen, (), None)
    first, last = rows["moment_at"].min().to_pydatetime(), rows["moment_at"].max().to_pydatetime()
    labels = KnownLabels().of(definition, events, first, last, clock.now())
    rows["label"] = rows["example_id"].map(labels.by_example)
    known = rows.dropna(subset="label").reset_index(drop=True)
    if known.empty:
        return Comparison(frozen, (), None)
    predictor = load_predictor(versions.open(definition.name, frozen))
    known["frozen"] = predictor.score(np.stack(known["features"].tolist()).astype(np.float32))
    known["month"] = known["moment_at"].dt.strftime("%Y-%m")
    months = tuple(_month(str(month), part, policy) for month, part in known.groupby("month", sort=True))
    return Comparison(frozen, months, _month("all", known, policy))


def _answers(log: PredictionLog, model: str) -> pd.DataFrame:
    table = log.since(model, 0, COLUMNS)
    rows: pd.DataFrame = table.filter(SHOWN).to_pandas()
    answered = rows[(rows["outcome"] != "failed").to_numpy() & rows["score"].notna().to_numpy()]
    return answered.sort_values("moment_at", kind="stable").drop_duplicates("example_id", keep="last").copy()


def _month(name: str, rows: pd.DataFrame, policy: Policy) -> Month:
    labels = rows["label"].to_numpy("int64")
    return Month(
        month=name,
        versions=tuple(sorted(rows["version"].unique(), key=lambda version: (len(version), version))),
        kept=measure_rows(labels, rows["score"].to_numpy("float64"), policy),
        frozen=measure_rows(labels, rows["frozen"].to_numpy("float64"), policy),
    )
