"""The logged rows of a trial: the candidate's, and those it is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from flows.supervision.trial import Trial
from lifecycle.assignment import Arm
from stores.prediction_log.table import PredictionLog

COLUMNS = (
    "prediction_id",
    "version",
    "arm",
    "tier",
    "replica",
    "served_at",
    "moment_at",
    "example_id",
    "unit",
    "score",
    "decision",
    "outcome",
    "shown",
    "pairs_with",
    "queue_us",
    "features_us",
    "predict_us",
)
HOUR_US = 3600 * 1_000_000
SERVING = (Arm.CHAMPION.value, Arm.CONTROL.value)


@dataclass(frozen=True)
class Sides:
    """Rows of the two that are compared; `baseline` is None when the candidate stands alone.

    Paired, row i of one side belongs to row i of the other. Beside the log's, the columns are `failed` (bool),
    `hour` of the moment and `served_us` (int64), `asked`, which is equal for the rows of one unit and hour, and
    `batch`, equal for the rows of one micro-batch. The index counts in the order of serving, over both sides.
    """

    candidate: pd.DataFrame
    baseline: pd.DataFrame | None
    paired: bool = False

    def where(self, candidate: np.ndarray, baseline: np.ndarray | None) -> "Sides":
        """Return the rows for which a mask holds, (n_rows,) bool for each side."""
        if self.baseline is None or baseline is None:
            return Sides(self.candidate[candidate], None)
        return Sides(self.candidate[candidate], self.baseline[baseline], self.paired)

    def alone(self) -> "Sides":
        """Return the candidate's side only."""
        return Sides(self.candidate, None)


@dataclass(frozen=True)
class TrialRows:
    """All attempts of the candidate, and the sides to compare; a shadow's attempt without its pair is in no side."""

    attempts: pd.DataFrame
    sides: Sides


def read_trial(
    log: PredictionLog,
    model: str,
    trial: Trial,
    *,
    more: Sequence[str] = (),
    after: datetime | None = None,
    until: datetime | None = None,
) -> TrialRows:
    """Return the rows of a trial, with some more of the log's columns; served after `after`, not after `until`."""
    table = log.since(model, trial.since_revision, (*COLUMNS, *more), after=after, until=until)
    # A replica on an older plan may name another version; the arms' own are all that counts.
    versions = pa.array([name for name in (trial.version, trial.baseline) if name is not None])
    # What the rule answered in a version's place says nothing about the version.
    own = pc.equal(pc.coalesce(table["tier"], "model"), "model")
    rows = _prepared(table.filter(pc.and_(own, pc.is_in(table["version"], versions))))
    mine = (rows["version"] == trial.version).to_numpy()
    if trial.arm == "champion":
        # A control's failed attempt was answered anew by the champion, and that row says how it ended. The champion's
        # own failures count, though another tier may have answered in its place.
        own_arm = (rows["arm"] == Arm.CHAMPION).to_numpy()
        shown = (rows["shown"] != False).to_numpy()  # noqa: E712 - null is shown
        attempts = rows[mine & rows["arm"].isin(SERVING).to_numpy() & (own_arm | shown)]
        return TrialRows(attempts, Sides(attempts, None))
    attempts = rows[mine & (rows["arm"] == trial.arm).to_numpy()]
    beside = (rows["version"] == trial.baseline).to_numpy()
    if trial.arm == "canary":
        return TrialRows(attempts, Sides(attempts, rows[beside & (rows["arm"] == Arm.CONTROL).to_numpy()]))
    return TrialRows(attempts, _pairs(attempts, rows[beside & rows["arm"].isin(SERVING).to_numpy()]))


def _prepared(table: pa.Table) -> pd.DataFrame:
    rows: pd.DataFrame = table.to_pandas(strings_to_categorical=False)
    rows = rows.sort_values(["served_at", "prediction_id"], kind="stable", ignore_index=True)
    served_us = rows["served_at"].to_numpy("datetime64[us]").astype(np.int64)
    # Rows older than the column have no moment of their own; they were served for it.
    moments = rows["moment_at"].fillna(rows["served_at"]).to_numpy("datetime64[us]").astype(np.int64)
    unit = rows["unit"].where(rows["unit"].notna(), rows["example_id"])
    hour = moments // HOUR_US
    rows["failed"] = (rows["outcome"] == "failed").to_numpy()
    rows["served_us"] = served_us
    rows["hour"] = hour
    rows["asked"] = _codes(unit.where(unit.notna(), rows["prediction_id"]), hour)
    rows["batch"] = _codes(rows["replica"], served_us)
    return rows


def _codes(texts: pd.Series, numbers: np.ndarray) -> np.ndarray:
    """Return one number for each different pair, (n_rows,) int64."""
    first, _ = pd.factorize(texts, use_na_sentinel=False)
    second, known = pd.factorize(numbers)
    codes: np.ndarray = first.astype(np.int64) * max(len(known), 1) + second
    return codes


def _pairs(attempts: pd.DataFrame, answers: pd.DataFrame) -> Sides:
    places = pd.Index(answers["prediction_id"]).get_indexer(pd.Index(attempts["pairs_with"]))
    found = places >= 0
    candidate = attempts[found]
    baseline = answers.iloc[places[found]].set_axis(candidate.index, axis=0)
    return Sides(candidate, baseline, paired=True)
