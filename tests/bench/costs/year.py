"""A version of the shipped source with its small model, the rows both were judged on, and the rest of the year."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from feature_repo.columns import columns_of
from feature_repo.definition import load_definition
from feature_repo.vector import assemble
from flows.training.booster import grow_booster
from flows.training.rows import Rows, TrainingRows
from flows.training.small import grow_small
from flows.training.window import TrainingWindow
from lifecycle.errors import PolicyInvalid
from lifecycle.policy import Policy
from stores.predictor import Predictor, predictor_of
from stores.small import small_predictor
from tests.bench.quality.year import LAST, LEARNED_FROM, MODEL, events_of_year, looked_up

SPLIT, FIRST = datetime(2013, 3, 1, tzinfo=UTC), datetime(2013, 4, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Year:
    """Both models, and the rows they were judged on and asked later: features, labels and moments in epoch seconds."""

    version: Predictor
    small: Predictor
    judged: Rows
    asked: Rows


def served_year(policy: Policy) -> Year:
    """Return a version that learned from January and February, its small model, and who was asked from April on."""
    definition = load_definition(MODEL)
    events = events_of_year(definition)
    examples = definition.examples(events, LEARNED_FROM, LAST).sort_values("event_timestamp", ignore_index=True)
    request = columns_of(definition.contract, examples)
    matrix = assemble(definition, request, looked_up(definition, events, request)).matrix
    moments = definition.prediction_moments(request)
    known = examples["label_known_at"].to_numpy("datetime64[us]").astype(np.int64) / 1e6
    split, first = SPLIT.timestamp(), FIRST.timestamp()

    def rows(chosen: np.ndarray) -> Rows:
        frame, mine = examples.loc[chosen].reset_index(drop=True), np.ascontiguousarray(matrix[chosen])
        return Rows(frame, mine, np.zeros(mine.shape, dtype=bool), frame["label"].to_numpy(np.int64), {})

    learn = rows((moments < split) & (known < split))
    judge = rows((moments >= split) & (moments < first) & (known < first))
    window = TrainingWindow(LEARNED_FROM, SPLIT, FIRST, FIRST)
    booster = grow_booster(learn.matrix, learn.labels, definition.vector, policy.training)
    grown = grow_small(booster, TrainingRows(window, learn, judge, ""), policy.training, weights=None)
    if grown is None:
        raise PolicyInvalid(f"the policy of {MODEL} has no training.small, so there is no cascade to measure")
    version, small = predictor_of(booster, definition.vector), small_predictor(grown.booster, definition.vector)
    return Year(version, small, judge, rows(moments >= first))
