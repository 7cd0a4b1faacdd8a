"""The answers of a span of prediction moments, one row per version and example."""

from datetime import datetime

import pandas as pd

from stores.prediction_log.schema import OWN_TIERS
from stores.prediction_log.table import PredictionLog

ANSWERED = """
SELECT prediction_id, version, tier, example_id, contract, request, score, decision, served_at, moment_at
FROM predictions
WHERE model = ? AND moment_at >= ? AND moment_at < ? AND outcome IS DISTINCT FROM 'failed'
ORDER BY served_at, prediction_id
"""
BEFORE = """
SELECT version, tier, example_id, score, decision, moment_at
FROM predictions
WHERE model = ? AND moment_at >= ? AND moment_at < ? AND outcome IS DISTINCT FROM 'failed'
ORDER BY served_at, prediction_id
"""
MODEL_TIER = "model"


def read_answered(log: PredictionLog, model: str, start: datetime, end: datetime) -> pd.DataFrame:
    """Return what was answered for moments in [start, end), in the order of serving."""
    rows: pd.DataFrame = log.query_table(ANSWERED, (model, start, end)).to_pandas()
    return rows


def read_before(log: PredictionLog, model: str, start: datetime, end: datetime) -> pd.DataFrame:
    """Return the last answer of each version to each example of [start, end), without what was asked."""
    rows: pd.DataFrame = log.query_table(BEFORE, (model, start, end)).to_pandas()
    return last_answers(rows)


def last_answers(answered: pd.DataFrame) -> pd.DataFrame:
    """Return the last answer of each version to each example; one without an example stands for itself.

    What a version's small model answered is the version's, which else would be measured on the rows that are left to
    it. What a fallback tier answered is its own: `version` becomes "tier:" and its name there.
    """
    tier = answered["tier"].fillna(MODEL_TIER)
    by = answered["version"].where(tier.isin(OWN_TIERS), "tier:" + tier)
    answered = answered.assign(version=by)
    again = answered.duplicated(["version", "example_id"], keep="last") & answered["example_id"].notna()
    return answered[~again].reset_index(drop=True)


def by_the_model(answered: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that a version answered itself, its small model included."""
    return answered[answered["tier"].fillna(MODEL_TIER).isin(OWN_TIERS)].reset_index(drop=True)
