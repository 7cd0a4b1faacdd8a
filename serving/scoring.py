"""One micro-batch through one version: features, probabilities, decisions, the log, then the answers."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

import numpy as np

from feature_repo.definition import Columns, ModelDefinition
from feature_repo.vector import Assembled, assemble
from lifecycle.decision_policy import DecisionPolicy
from serving.answer import Answer, Ask
from serving.log_batch import LogBatches, Scored
from serving.parts import FeatureReader, Log, LookedUp, Scores
from serving.prediction_ids import PredictionIds
from serving.rows import RowCodec

MICROSECONDS = 1_000_000
T = TypeVar("T")
NOTHING: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """Everything one version needs to answer, fixed for one revision of the plan.

    `epoch_seconds` and `monotonic` are clocks, in seconds.
    """

    version: str
    plan_revision: int
    definition: ModelDefinition
    decision: DecisionPolicy
    codec: RowCodec
    reader: FeatureReader
    predictor: Scores
    log: Log
    batches: LogBatches
    ids: PredictionIds
    epoch_seconds: Callable[[], float]
    monotonic: Callable[[], float] = time.perf_counter


def score(stage: Stage, asks: Sequence[Ask]) -> list[Answer]:
    """Return the answers of a micro-batch, in order, once all of its rows are in the log.

    Raises Unavailable when the features or the log are out of reach: nothing is answered then.
    """
    began = stage.monotonic()
    rows = list(chain.from_iterable(ask.rows for ask in asks))
    request = stage.codec.columns(rows)
    found = stage.reader.read(request)
    assembled = assemble(stage.definition, request, found.values)
    featured = stage.monotonic()
    scores = stage.predictor.score(assembled.matrix)
    predicted = stage.monotonic()
    scored = Scored(
        prediction_ids=stage.ids.take(len(rows)),
        request_ids=_spread(asks, [ask.request_id for ask in asks]),
        row_numbers=list(chain.from_iterable(range(len(ask.rows)) for ask in asks)),
        served_at=stage.epoch_seconds(),
        moments=stage.definition.prediction_moments(request),
        example_ids=stage.definition.example_ids(request).tolist(),
        requests=[stage.codec.as_json(row) for row in rows],
        matrix=assembled.matrix,
        defaulted=_defaulted(stage.definition, assembled),
        feature_at=_feature_at(stage.definition, found, len(rows)),
        scores=scores,
        decisions=_decisions(stage.decision, scores),
        decode_us=_spread(asks, [ask.decode_us for ask in asks]),
        queue_us=_spread(asks, [_us(began - ask.submitted) for ask in asks]),
        features_us=_us(featured - began),
        predict_us=_us(predicted - featured),
    )
    stage.log.append(stage.batches.build(scored))
    return list(_answers(stage, asks, scored))


def examine(stage: Stage, rows: Sequence[object]) -> np.ndarray:
    """Return the scores of rows by the whole path but the log: what a version is warmed up with."""
    request: Columns = stage.codec.columns(rows)  # type: ignore[arg-type]
    found = stage.reader.read(request)
    return stage.predictor.score(assemble(stage.definition, request, found.values).matrix)


def _answers(stage: Stage, asks: Sequence[Ask], scored: Scored) -> Iterator[Answer]:
    ages = _ages(stage.definition, scored)
    probabilities = scored.scores.tolist()
    at = 0
    for ask in asks:
        end = at + len(ask.rows)
        oldest = max(ages[at:end])
        yield Answer(
            model=stage.definition.name,
            version=stage.version,
            contract=stage.codec.contract.name,
            plan_revision=stage.plan_revision,
            prediction_ids=scored.prediction_ids[at:end],
            probabilities=probabilities[at:end],
            decisions=scored.decisions[at:end],
            defaulted=scored.defaulted[at:end],
            feature_age_seconds=None if oldest == -np.inf else oldest,
        )
        at = end


def _ages(definition: ModelDefinition, scored: Scored) -> list[float]:
    ageing = [column for column, view in enumerate(definition.views) if view.ages]
    if not ageing:
        return [-np.inf] * len(scored.prediction_ids)
    feature_at = scored.feature_at[:, ageing]
    oldest = np.where(np.isnan(feature_at), np.inf, feature_at).min(axis=1)
    ages: list[float] = np.where(np.isinf(oldest), -np.inf, scored.moments - oldest).tolist()
    return ages


def _defaulted(definition: ModelDefinition, assembled: Assembled) -> list[Sequence[str]]:
    marked: list[Sequence[str]] = [NOTHING] * len(assembled.defaulted)
    for row in np.flatnonzero(assembled.defaulted.any(axis=1)).tolist():
        marked[row] = [definition.vector[column] for column in np.flatnonzero(assembled.defaulted[row])]
    return marked


def _feature_at(definition: ModelDefinition, found: LookedUp, n_rows: int) -> np.ndarray:
    if not definition.views:
        return np.empty((n_rows, 0))
    return np.stack([found.event_at[view.name] for view in definition.views], axis=1)


def _decisions(policy: DecisionPolicy, scores: np.ndarray) -> list[str]:
    return [policy.positive if positive else policy.negative for positive in (scores >= policy.threshold).tolist()]


def _spread(asks: Sequence[Ask], values: Sequence[T]) -> list[T]:
    return [value for ask, value in zip(asks, values, strict=True) for _ in ask.rows]


def _us(seconds: float) -> int:
    return int(seconds * MICROSECONDS)
