"""The rows of a training with their features, from stored events and Feast."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import structlog

from expectations.suite import examine, load_suites
from feature_repo.columns import columns_of
from feature_repo.definition import Columns, ModelDefinition
from feature_repo.training_set import TrainingSet, training_set
from flows.training.labelling import OUTCOME, label_rows
from flows.training.said import Said
from flows.training.window import TrainingWindow, require_rows
from lifecycle.errors import DataRejected
from lifecycle.policy import TrainingPolicy
from stores.events import EventStore

if TYPE_CHECKING:
    from feast import FeatureStore

SUITE = "training_set"
log = structlog.get_logger()


@dataclass(frozen=True)
class Rows:
    """Some rows of a training set, all in one order.

    `matrix` is (n_rows, n_features) float32 and `defaulted` bool, in the definition's vector order;
    `labels` (n_rows,) int64 of 0 and 1; `slices` (n_rows,) text by slice name. `sources` (n_rows,) says whose label it
    is, "outcome" or how a person came to say it; None where all are outcomes.
    """

    frame: pd.DataFrame
    matrix: np.ndarray
    defaulted: np.ndarray
    labels: np.ndarray
    slices: Columns
    sources: np.ndarray | None = None


@dataclass(frozen=True)
class TrainingRows:
    """What a version learns from and what it is judged on, with the digest over both."""

    window: TrainingWindow
    learn: Rows
    judge: Rows
    digest: str


def gather_rows(
    definition: ModelDefinition,
    store: "FeatureStore",
    events: EventStore,
    policy: TrainingPolicy,
    window: TrainingWindow,
    *,
    said: Said | None = None,
) -> TrainingRows:
    """Return the examined rows of a window, under people's labels too where it is told what they `said`.

    Raises EvidenceMissing for too few rows, DataRejected when the training set fails a critical
    expectation, NotFound when a stream was never ingested.
    """
    first = window.start_at - definition.lookback
    stored = {
        stream.name: events.load(definition.name, stream.name, first, window.end_at) for stream in definition.streams
    }
    outcomes = definition.examples(stored, window.start_at, window.end_at)
    labelled = label_rows(
        definition, outcomes, lambda: definition.requests(stored, window.start_at, window.end_at), window, said
    )
    examples, learn = labelled.examples, labelled.learn
    require_rows(definition.name, examples["label"].to_numpy()[learn], int((~learn).sum()), policy, window)
    made = training_set(store, definition, examples)
    good = _examine(definition, made)
    learned, judged = (_rows(definition, made, good & chosen, labelled.sources) for chosen in (learn, ~learn))
    return training_rows(window, learned, judged)


def training_rows(window: TrainingWindow, learn: Rows, judge: Rows) -> TrainingRows:
    """Return the rows of a window with the SHA-256 over ids, features and labels: equal for equal data.

    Whose label it is counts where a person gave any.
    """
    digest = hashlib.sha256()
    for rows in (learn, judge):
        digest.update("\n".join(rows.frame["example_id"]).encode())
        digest.update(np.ascontiguousarray(rows.matrix, dtype="<f4").tobytes())
        digest.update(rows.labels.astype("<i8").tobytes())
        if rows.sources is not None:
            digest.update("\n".join(rows.sources).encode())
    return TrainingRows(window, learn, judge, digest.hexdigest())


def _examine(definition: ModelDefinition, made: TrainingSet) -> np.ndarray:
    """Return which rows may be used, (n_rows,) bool."""
    suites = load_suites(definition.name)
    if SUITE not in suites:
        raise DataRejected(f"expectations/{definition.name}.py has no suite {SUITE!r}; nothing is trained unexamined")
    features = pd.DataFrame(made.assembled.matrix, columns=list(definition.vector))
    examination = examine(suites[SUITE], pd.concat([made.examples.reset_index(drop=True), features], axis=1))
    if not examination.accepted:
        raise DataRejected(f"the training set of {definition.name} is refused: {examination.reason}")
    if examination.bad:
        log.warning("rows_left_out", model=definition.name, rows=len(examination.bad), reason=examination.reason)
    good = np.ones(len(features), dtype=bool)
    good[list(examination.bad)] = False
    return good


def _rows(definition: ModelDefinition, made: TrainingSet, chosen: np.ndarray, sources: np.ndarray) -> Rows:
    said = sources[chosen]
    frame = made.examples.loc[chosen].reset_index(drop=True)
    return Rows(
        frame=frame,
        matrix=np.ascontiguousarray(made.assembled.matrix[chosen]),
        defaulted=made.assembled.defaulted[chosen],
        labels=frame["label"].to_numpy(dtype=np.int64),
        slices=definition.slices(columns_of(definition.contract, frame)),
        sources=None if (said == OUTCOME).all() else said,
    )
