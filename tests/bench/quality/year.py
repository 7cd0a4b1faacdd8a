"""The answers that one model of the shipped source would have given for the rest of its year, with their outcomes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from feature_repo.columns import columns_of
from feature_repo.definition import Columns, ModelDefinition, load_definition
from feature_repo.vector import assemble
from flows.training.booster import grow_booster
from lifecycle.measuring.answers import Answers
from lifecycle.policy import Policy
from stores.predictor import predictor_of

MODEL = "flight_delay"
LEARNED_FROM = datetime(2013, 1, 1, tzinfo=UTC)
FIRST = datetime(2013, 4, 1, tzinfo=UTC)
LAST = datetime(2014, 1, 1, tzinfo=UTC)
SECONDS_AN_HOUR = 3600


def answered_year(policy: Policy) -> Answers:
    """Return the answers from FIRST to LAST of a version that learned from the months before, in order of moment.

    Features are the views' own rows, looked up at each moment by a join in memory; the decision is the threshold's.
    """
    definition = load_definition(MODEL)
    events = events_of_year(definition)
    examples = definition.examples(events, LEARNED_FROM, LAST).sort_values("event_timestamp", ignore_index=True)
    request = columns_of(definition.contract, examples)
    matrix = assemble(definition, request, looked_up(definition, events, request)).matrix
    moments = definition.prediction_moments(request)
    labels = examples["label"].to_numpy("int64")
    known = examples["label_known_at"].to_numpy("datetime64[us]").astype(np.int64) / 1e6
    first = FIRST.timestamp()
    learn = (moments < first) & (known < first)
    booster = grow_booster(matrix[learn], labels[learn], definition.vector, policy.training)
    ask = moments >= first
    scores = predictor_of(booster, definition.vector).score(matrix[ask]).astype(np.float64)
    return Answers(
        labels=labels[ask].astype(np.float64),
        scores=scores,
        warned=(scores >= policy.decision.threshold).astype(np.float64),
        hours=(moments[ask] // SECONDS_AN_HOUR).astype(np.int64),
    )


def events_of_year(definition: ModelDefinition) -> Mapping[str, pd.DataFrame]:
    """Return every stream's events of the year and of the days before that its windows reach back to."""
    events = {stream.name: stream.read(LEARNED_FROM - timedelta(days=9), LAST) for stream in definition.streams}
    never = [stream for stream in definition.streams if events[stream.name].empty]
    return events | {stream.name: stream.read(datetime(2012, 1, 1, tzinfo=UTC), LAST) for stream in never}


def looked_up(definition: ModelDefinition, events: Mapping[str, pd.DataFrame], request: Columns) -> Columns:
    """Return what each row's views said at its moment, (n_rows,) by feature, NaN where nothing or only stale rows."""
    keys = definition.entity_keys(request)
    asked = pd.to_datetime((definition.prediction_moments(request) * 1e6).astype("int64"), unit="us", utc=True)
    found: dict[str, np.ndarray] = {}
    for view in definition.views:
        rows = view.build(events, LEARNED_FROM - timedelta(days=1), LAST).sort_values("event_timestamp")
        rows = rows.astype({"event_timestamp": "datetime64[us, UTC]"})
        key = pd.Series(keys[view.entity], dtype=object)
        left = pd.DataFrame({"event_timestamp": asked.astype("datetime64[us, UTC]"), "entity": key})
        joined = pd.merge_asof(
            left, rows, on="event_timestamp", by="entity", tolerance=pd.Timedelta(view.freshness_limit)
        )
        found |= {feature.name: joined[feature.name].to_numpy("float64") for feature in view.features}
    return found
