"""The newest features of a request's entities, from Feast's online store, for a whole batch at once."""

import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import structlog

from feature_repo.definition import Columns, ModelDefinition, View
from feature_repo.feast_store import online_errors, reading_turn
from feature_repo.in_time import out_of_time
from feature_repo.kept_rows import KeptRows, Values
from lifecycle.errors import Unavailable

if TYPE_CHECKING:
    from feast import FeatureStore

log = structlog.get_logger()

EntityRows: TypeAlias = Mapping[str | None, Values]
"""By key the features of an entity's views, then their timestamps."""
LOOKS = 16
"""How often it is looked for rows that lapse next, in the time for which a row is kept."""
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.01, 60.0
MOST_AHEAD = 64
"""Rows that are read again at once: a request for a row that is not kept waits until they are."""


@dataclass(frozen=True)
class LookedUp:
    """What was found: per feature and per view, (n_rows,) float64 each.

    `values` is NaN where the entity is unknown, the value missing, or the row older than its view's freshness limit at
    the prediction moment, or stamped after that. `event_at` is the row's epoch seconds also then, NaN without a row.
    """

    values: dict[str, np.ndarray]
    event_at: dict[str, np.ndarray]


class OnlineFeatures:
    """Reads a model's views; an entity's rows are read once per batch and kept for `cache_seconds`.

    Views that share an entity are read in one call. Feast's SQLite store keeps whole seconds, so `event_at` does. Once
    `keep_fresh` was called, nobody waits for a row that is asked for again and again.
    """

    def __init__(
        self,
        store: "FeatureStore",
        definition: ModelDefinition,
        cache_seconds: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._definition = definition
        self._cache_seconds = cache_seconds
        by_entity: dict[str, list[View]] = {}
        for view in definition.views:
            by_entity.setdefault(view.entity, []).append(view)
        turn = reading_turn(store)
        self._groups = tuple(
            _EntityRows(store, entity, tuple(views), cache_seconds, monotonic, turn=turn)
            for entity, views in by_entity.items()
        )

    def keep_fresh(self) -> None:
        """Read rows again before they lapse, on a thread that ends with this reader; nothing where none is kept."""
        if self._cache_seconds > 0:
            pause = min(max(self._cache_seconds / LOOKS, SHORTEST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
            given = (weakref.ref(self), pause)
            threading.Thread(target=_keep_fresh, args=given, name="online-features", daemon=True).start()

    def refresh(self) -> None:
        """Read the rows again that lapse next; raises Unavailable as `read` does."""
        for group in self._groups:
            group.refresh()

    def read(self, request: Columns) -> LookedUp:
        """Return the looked-up features of each request row, in the order of the rows.

        Raises Unavailable when the online store cannot be reached for an entity that is not kept.
        """
        keys = self._definition.entity_keys(request)
        moments = self._definition.prediction_moments(request)
        found = LookedUp(values={}, event_at={})
        for group in self._groups:
            group.read_into(found, keys[group.entity].tolist(), moments)
        return found

    def recall(self, request: Columns) -> LookedUp | None:
        """Return the same when every entity's rows are kept here; None, and nothing is read, when one's are not."""
        keys = self._definition.entity_keys(request)
        recalled = []
        for group in self._groups:
            column = keys[group.entity].tolist()
            rows = group.recalled({key for key in column if key is not None})
            if rows is None:
                return None
            recalled.append((group, column, rows))
        moments = self._definition.prediction_moments(request)
        found = LookedUp(values={}, event_at={})
        for group, column, rows in recalled:
            group.fill(found, column, rows, moments)
        return found


def _keep_fresh(reader: "weakref.ref[OnlineFeatures]", pause_seconds: float) -> None:
    failing = False
    while True:
        time.sleep(pause_seconds)
        living = reader()
        if living is None:
            return
        try:
            living.refresh()
            failing = False
        except Exception as error:  # noqa: BLE001 - this thread must outlive whatever a store raises
            # Whoever asks for a row that could not be read in time reads it, and is told why it cannot.
            if not failing:
                log.warning("features_not_refreshed", error=f"{type(error).__name__}: {error}")
            failing = True
        del living


class _EntityRows:
    """One entity's views, read together. A kept row holds the features of all views, then their timestamps."""

    def __init__(
        self,
        store: "FeatureStore",
        entity: str,
        views: tuple[View, ...],
        cache_seconds: float,
        monotonic: Callable[[], float],
        *,
        turn: AbstractContextManager[object],
    ) -> None:
        self.entity = entity
        self._turn = turn
        self._store = store
        self._views = views
        self._errors = online_errors(store)
        self._monotonic = monotonic
        self._kept = KeptRows(cache_seconds, monotonic)
        self._names = [feature.name for view in views for feature in view.features]
        self._refs = [f"{view.name}:{feature.name}" for view in views for feature in view.features]
        self._limits = np.array([view.freshness_limit.total_seconds() for view in views])[:, np.newaxis]
        self._features_of_view = np.array([len(view.features) for view in views])
        self._missing = np.full(len(self._names) + len(views), np.nan).tobytes()

    def read_into(self, found: LookedUp, keys: list[str | None], moments: np.ndarray) -> None:
        """Add this entity's features and timestamps for each key to `found`."""
        self.fill(found, keys, self._rows_of({key for key in keys if key is not None}), moments)

    def fill(self, found: LookedUp, keys: list[str | None], rows: EntityRows, moments: np.ndarray) -> None:
        """Add the features and timestamps of these rows for each key to `found`."""
        joined = np.frombuffer(b"".join([rows.get(key, self._missing) for key in keys]), dtype=np.float64)
        # Copied, because a buffer of bytes cannot be written to.
        table = joined.reshape(len(keys), -1).T.copy()
        values, event_at = table[: len(self._names)], table[len(self._names) :]
        unfit = out_of_time(moments, event_at, self._limits)
        if unfit.any():
            values[np.repeat(unfit, self._features_of_view, axis=0)] = np.nan
        found.values.update(zip(self._names, values, strict=True))
        found.event_at.update(zip((view.name for view in self._views), event_at, strict=True))

    def recalled(self, wanted: set[str]) -> EntityRows | None:
        """Return the rows of these keys, None when one of them is not kept."""
        rows, unread = self._kept.find(wanted)
        return None if unread else rows

    def _rows_of(self, wanted: set[str]) -> EntityRows:
        rows, unread = self._kept.find(wanted)
        if unread:
            rows.update(self._read(unread))
        return rows

    def refresh(self) -> None:
        """Read the rows again that lapse next, a few at a time; raises Unavailable when the store cannot be reached."""
        # Once through: on a slow store the first would be due again, and no other entity would have its turn.
        keys = self._kept.lapse_next()
        for start in range(0, len(keys), MOST_AHEAD):
            self._read(keys[start : start + MOST_AHEAD])

    def _read(self, keys: Sequence[str]) -> Mapping[str, Values]:
        now = self._monotonic()
        fresh = self._fetch(keys)
        self._kept.keep(fresh, now)
        return fresh

    def _fetch(self, keys: Sequence[str]) -> dict[str, Values]:
        try:
            with self._turn:
                response = self._store.get_online_features(features=self._refs, entity_rows={self.entity: list(keys)})
        except self._errors as error:
            raise Unavailable(f"the online features by {self.entity} cannot be read: {error}") from error
        columns = dict(zip(response.proto.metadata.feature_names.val, response.proto.results, strict=True))
        table = [[_number(value) for value in columns[name].values] for name in self._names]
        for view in self._views:
            stamps = columns[view.features[0].name].event_timestamps
            table.append([stamp.seconds or np.nan for stamp in stamps])
        rows = np.array(table, dtype=np.float64).T
        return {key: row.tobytes() for key, row in zip(keys, rows, strict=True)}


def _number(value: "object") -> float:
    # An absent value reads 0.0 as well; only then is the slower question asked.
    number: float = value.double_val  # type: ignore[attr-defined]
    return number if number or value.HasField("double_val") else np.nan  # type: ignore[attr-defined]
