"""The rest of the shipped source's year, as a version that learned from its first months would have met it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from feature_repo.columns import columns_of
from feature_repo.definition import ModelDefinition, load_definition
from feature_repo.vector import assemble
from flows.training.booster import grow_booster
from flows.training.rows import Rows, TrainingRows, training_rows
from flows.training.window import TrainingWindow
from lifecycle.contract import FieldType
from lifecycle.policy import Policy
from stores.predictor import predictor_of
from tests.bench.quality.year import FIRST, LAST, LEARNED_FROM, MODEL, events_of_year, looked_up

VALIDATION_DAYS = 31


@dataclass(frozen=True)
class Year:
    """What was asked after FIRST, in order of moment, with features, scores and outcomes; and what was learned from.

    Arrays are (n_rows,), `texts` of str or None, but `matrix` and `defaulted` are (n_rows, n_features). `moments` are
    epoch seconds.
    """

    definition: ModelDefinition
    rows: TrainingRows
    baseline_scores: np.ndarray
    matrix: np.ndarray
    defaulted: np.ndarray
    texts: Mapping[str, np.ndarray]
    moments: np.ndarray
    scores: np.ndarray
    labels: np.ndarray


def flights_of_year(policy: Policy) -> Year:
    """Return the year beside a version that learned from LEARNED_FROM up to FIRST, its last month kept to judge by.

    The baseline is what a training would have drawn: features of the learned rows, scores of the judged ones.
    """
    definition = load_definition(MODEL)
    events = events_of_year(definition)
    examples = definition.examples(events, LEARNED_FROM, LAST).sort_values("event_timestamp", ignore_index=True)
    request = columns_of(definition.contract, examples)
    made = assemble(definition, request, looked_up(definition, events, request))
    moments = definition.prediction_moments(request)
    known = examples["label_known_at"].to_numpy("datetime64[us]").astype(np.int64) / 1e6
    labels = examples["label"].to_numpy("int64")
    slices = definition.slices(request)
    first, split = FIRST.timestamp(), FIRST.timestamp() - VALIDATION_DAYS * 86_400

    def rows(mask: np.ndarray) -> Rows:
        return Rows(
            frame=examples.loc[mask].reset_index(drop=True),
            matrix=np.ascontiguousarray(made.matrix[mask]),
            defaulted=made.defaulted[mask],
            labels=labels[mask],
            slices={name: values[mask] for name, values in slices.items()},
        )

    learn, judge = (moments < split) & (known <= split), (moments >= split) & (moments < first)
    learned, judged = rows(learn), rows(judge)
    booster = grow_booster(learned.matrix, learned.labels, definition.vector, policy.training)
    predictor = predictor_of(booster, definition.vector)
    asked = moments >= first
    window = TrainingWindow(LEARNED_FROM, LEARNED_FROM, FIRST, FIRST)
    strings = [field.name for field in definition.contract.fields if field.type is FieldType.STRING]
    return Year(
        definition=definition,
        rows=training_rows(window, learned, judged),
        baseline_scores=predictor.score(judged.matrix),
        matrix=np.ascontiguousarray(made.matrix[asked]),
        defaulted=made.defaulted[asked],
        texts={name: request[name][asked] for name in strings},
        moments=moments[asked],
        scores=predictor.score(np.ascontiguousarray(made.matrix[asked])),
        labels=labels[asked],
    )
