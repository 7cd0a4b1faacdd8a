"""A micro-batch with its features read: everything a version needs to score it, and the log to describe it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

import numpy as np

from feature_repo.definition import Columns, ModelDefinition
from feature_repo.vector import assemble
from serving.answer import Ask
from serving.cache.vector import Vector
from serving.parts import LookedUp
from serving.stage import Stage

MICROSECONDS = 1_000_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Prepared:
    """The rows of some asks, one after the other; arrays and sequences have n_rows entries.

    `matrix` is (n_rows, n_features) float32, `defaulted` bool of that shape; `feature_at` is (n_rows, n_views) and
    `moments` (n_rows,), in epoch seconds. Stage times are microseconds.
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

    def of(self, numbers: Sequence[int]) -> "Prepared":
        """Return the same for some of the asks, by their numbers in order."""
        if len(numbers) == len(self.asks):
            return self
        ends = np.cumsum([len(ask.rows) for ask in self.asks]).tolist()
        rows = [row for number in numbers for row in range(ends[number] - len(self.asks[number].rows), ends[number])]
        return Prepared(
            asks=[self.asks[number] for number in numbers],
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
        )


def prepare(stage: Stage, asks: Sequence[Ask], known: Mapping[int, Vector] | None = None) -> Prepared:
    """Return a micro-batch ready to be scored; raises Unavailable when the features are out of reach.

    Rows whose vector is `known`, by their place among all rows, are not read anew.
    """
    began = stage.monotonic()
    rows = list(chain.from_iterable(ask.rows for ask in asks))
    request = stage.codec.columns(rows)
    vectors = _read(stage, request, len(rows)) if not known else _read_around(stage, request, len(rows), known)
    featured = stage.monotonic()
    example_ids: list[str] = stage.definition.example_ids(request).tolist()
    return Prepared(
        asks=asks,
        request=request,
        matrix=vectors.features,
        defaulted=vectors.defaulted,
        feature_at=vectors.feature_at,
        moments=stage.definition.prediction_moments(request),
        example_ids=example_ids,
        units=stage.units.of(rows, lambda: example_ids),
        requests=[stage.codec.as_json(row) for row in rows],
        queue_us=spread(asks, [microseconds(began - ask.submitted) for ask in asks]),
        features_us=microseconds(featured - began),
    )


def _read(stage: Stage, request: Columns, n_rows: int) -> Vector:
    """Return the vectors of all rows, (n_rows, …) each."""
    found = stage.reader.read(request)
    assembled = assemble(stage.definition, request, found.values)
    return Vector(assembled.matrix, assembled.defaulted, _feature_at(stage.definition, found, n_rows))


def _read_around(stage: Stage, request: Columns, n_rows: int, known: Mapping[int, Vector]) -> Vector:
    """Return the same with some rows known already."""
    kept, places = list(known.values()), list(known)
    unknown = [row for row in range(n_rows) if row not in known]
    read = _read(stage, {name: column[unknown] for name, column in request.items()}, len(unknown)) if unknown else None

    def joined(name: str) -> np.ndarray:
        mine = np.stack([getattr(vector, name) for vector in kept])
        whole = np.empty((n_rows, *mine.shape[1:]), mine.dtype)
        whole[places] = mine
        if read is not None:
            whole[unknown] = getattr(read, name)
        return whole

    return Vector(joined("features"), joined("defaulted"), joined("feature_at"))


def spread(asks: Sequence[Ask], values: Sequence[T]) -> list[T]:
    """Return each ask's value once per row of it."""
    return [value for ask, value in zip(asks, values, strict=True) for _ in ask.rows]


def microseconds(seconds: float) -> int:
    """Return whole microseconds."""
    return int(seconds * MICROSECONDS)


def _feature_at(definition: ModelDefinition, found: LookedUp, n_rows: int) -> np.ndarray:
    if not definition.views:
        return np.empty((n_rows, 0))
    return np.stack([found.event_at[view.name] for view in definition.views], axis=1)
