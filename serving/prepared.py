"""A micro-batch with its features read: everything a version needs to score it, and the log to describe it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TypeVar

import numpy as np

from feature_repo.definition import Columns, ModelDefinition
from feature_repo.vector import assemble
from serving.answer import Ask
from serving.cache.vector import NOTHING_KNOWN, Vector, around
from serving.parts import LookedUp
from serving.stage import Stage

MICROSECONDS = 1_000_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Prepared:
    """The rows of some asks, one after the other; arrays and sequences have n_rows entries.

    `matrix` is (n_rows, n_features) float32, `defaulted` bool of that shape; `feature_at` is (n_rows, n_views) and
    `moments` (n_rows,), in epoch seconds. Stage times are microseconds, and so is `spent_us`: what was computed
    for each row so far.
    """

    asks: Sequence[Ask]
    request: Columns
    matrix: np.ndarray
    defaulted: np.ndarray
    feature_at: np.ndarray
    moments: np.ndarray
    example_ids: Sequence[str]
    units: Sequence[str]
    requests: Sequence[str]
    queue_us: Sequence[int]
    features_us: int
    spent_us: float = 0.0

    def of(self, numbers: Sequence[int]) -> "Prepared":
        """Return the same for some of the asks, by their numbers in order."""
        if len(numbers) == len(self.asks):
            return self
        ends = np.cumsum([len(ask.rows) for ask in self.asks]).tolist()
        rows = [row for number in numbers for row in range(ends[number] - len(self.asks[number].rows), ends[number])]
        return self.cut([self.asks[number] for number in numbers], rows)

    def cut(self, asks: Sequence[Ask], rows: Sequence[int]) -> "Prepared":
        """Return the same for some of the rows, by their places; they are the rows of these asks."""
        if len(rows) == len(self.matrix):
            return self
        return Prepared(
            asks=asks,
            request={name: column[rows] for name, column in self.request.items()},
            matrix=self.matrix[rows],
            defaulted=self.defaulted[rows],
            feature_at=self.feature_at[rows],
            moments=self.moments[rows],
            example_ids=[self.example_ids[row] for row in rows],
            units=[self.units[row] for row in rows],
            requests=[self.requests[row] for row in rows],
            queue_us=[self.queue_us[row] for row in rows],
            features_us=self.features_us,
            spent_us=self.spent_us,
        )


def prepare(stage: Stage, asks: Sequence[Ask], known: Mapping[int, Vector] = NOTHING_KNOWN) -> Prepared:
    """Return a micro-batch ready to be scored; raises Unavailable when the features are out of reach.

    Rows whose vector is `known`, by their place among all rows, are not read anew.
    """
    return _prepared(stage, asks, stage.reader.read, known)


def prepare_recalled(stage: Stage, asks: Sequence[Ask], known: Mapping[int, Vector] = NOTHING_KNOWN) -> Prepared | None:
    """Return the same from memory alone, and so within microseconds; None where a store must be asked."""

    def recalled(request: Columns) -> LookedUp:
        found = stage.reader.recall(request)
        if found is None:
            raise _NotRecalledError
        return found

    try:
        return _prepared(stage, asks, recalled, known)
    except _NotRecalledError:
        return None


class _NotRecalledError(Exception):
    """The features of a row are not in memory."""


def prepare_blind(stage: Stage, asks: Sequence[Ask]) -> Prepared:
    """Return a micro-batch with the declared defaults in the place of all looked-up features."""

    def nothing(request: Columns) -> LookedUp:
        n_rows = len(next(iter(request.values())))
        views = stage.definition.views
        return Blind(
            {feature.name: np.full(n_rows, np.nan) for view in views for feature in view.features},
            {view.name: np.full(n_rows, np.nan) for view in views},
        )

    return _prepared(stage, asks, nothing)


@dataclass(frozen=True)
class Blind:
    """Looked-up features of which none was found."""

    values: Mapping[str, np.ndarray]
    event_at: Mapping[str, np.ndarray]


def _prepared(
    stage: Stage,
    asks: Sequence[Ask],
    read: Callable[[Columns], LookedUp],
    known: Mapping[int, Vector] = NOTHING_KNOWN,
) -> Prepared:
    began = stage.monotonic()
    rows = list(chain.from_iterable(ask.rows for ask in asks))
    request = stage.codec.columns(rows)
    vectors = (
        around(known, request, len(rows), partial(_vectors, stage, read))
        if known
        else _vectors(stage, read, request, len(rows))
    )
    featured = stage.monotonic()
    example_ids: list[str] = stage.definition.example_ids(request).tolist()
    units, hiding = stage.units.of(rows, lambda: example_ids), stage.hiding
    return Prepared(
        asks=asks,
        request=request,
        matrix=vectors.features,
        defaulted=vectors.defaulted,
        feature_at=vectors.feature_at,
        moments=stage.definition.prediction_moments(request),
        example_ids=example_ids,
        units=units if hiding is None else hiding.units(units),
        requests=[stage.codec.as_json(row) for row in rows] if hiding is None else hiding.requests(stage.codec, rows),
        queue_us=spread(asks, [microseconds(began - ask.submitted) for ask in asks]),
        features_us=microseconds(featured - began),
        spent_us=microseconds(featured - began) / (len(rows) - len(known) or 1),
    )


def _vectors(stage: Stage, read: Callable[[Columns], LookedUp], request: Columns, n_rows: int) -> Vector:
    found = read(request)
    assembled = assemble(stage.definition, request, found.values)
    return Vector(assembled.matrix, assembled.defaulted, feature_at(stage.definition, found, n_rows))


def spread(asks: Sequence[Ask], values: Sequence[T]) -> list[T]:
    """Return each ask's value once per row of it."""
    return [value for ask, value in zip(asks, values, strict=True) for _ in ask.rows]


def microseconds(seconds: float) -> int:
    """Return whole microseconds."""
    return int(seconds * MICROSECONDS)


def feature_at(definition: ModelDefinition, found: LookedUp, n_rows: int) -> np.ndarray:
    """Return when each view's row of each request became true, (n_rows, n_views) epoch seconds, NaN where missing."""
    if not definition.views:
        return np.empty((n_rows, 0))
    return np.stack([found.event_at[view.name] for view in definition.views], axis=1)
