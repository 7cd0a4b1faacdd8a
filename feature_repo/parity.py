"""Features of served requests, computed again from stored rows: what should have been served, and training's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from feature_repo.definition import Columns, ModelDefinition, View
from feature_repo.in_time import out_of_time
from feature_repo.offline import offline_folder
from feature_repo.stored_rows import read_stored
from feature_repo.training_set import historical_features
from feature_repo.vector import Assembled, assemble

if TYPE_CHECKING:
    from feast import FeatureStore


@dataclass(frozen=True)
class Recomputed:
    """What some requests should have been served, and what training sees of them.

    `expected` rests on the stored row of each view that the gateway says it used, `trained` on training's
    point-in-time join at the prediction moment. A view's row is `late` when the one in use had outlived its freshness
    limit, or was not there, while a newer one stood stored: then `expected` holds training's values. `waiting` says
    for how many seconds a newer row of the entity had stood stored when it was asked for, 0 where the newest was used,
    NaN where the entity has no row. Both are (n_rows, n_views).
    """

    expected: Assembled
    trained: Assembled
    waiting: np.ndarray
    late: np.ndarray


@dataclass(frozen=True)
class _Asked:
    """When each request was for and what was known by then, (n_rows,) epoch seconds; `patience` is in seconds."""

    moments: np.ndarray
    known_by: np.ndarray
    patience: float


@dataclass(frozen=True)
class _Found:
    """What stored rows say about one view of each request: `values` by feature, (n_rows,) all."""

    values: Mapping[str, np.ndarray]
    waiting: np.ndarray
    late: np.ndarray


def recompute(
    store: "FeatureStore", definition: ModelDefinition, request: Columns, feature_at: np.ndarray, known_by: np.ndarray
) -> Recomputed:
    """Return the features of served requests as stored rows say.

    `feature_at` is (n_rows, n_views) in epoch seconds, NaN where nothing was found: the row of each view that was
    found, whether or not it was in time; one that was not counts as missing, as in serving. `known_by` is (n_rows,) in
    epoch seconds: what was known later could not be served. Raises as `historical_features` does.
    """
    trained = historical_features(store, definition, request)
    keys, moments = definition.entity_keys(request), definition.prediction_moments(request)
    looked_up: dict[str, np.ndarray] = {}
    found: list[_Found] = []
    # One push feeds all views, so one that lags by the shortest limit is late for every view.
    patience = min((view.freshness_limit.total_seconds() for view in definition.views), default=0.0)
    asked = _Asked(moments, known_by, patience)
    for column, view in enumerate(definition.views):
        seen = _find(store, view, keys[view.entity], feature_at[:, column], asked)
        for name, values in seen.values.items():
            looked_up[name] = np.where(seen.late, trained[name], values)
        found.append(seen)
    empty = np.empty((len(moments), 0))
    return Recomputed(
        expected=assemble(definition, request, looked_up),
        trained=assemble(definition, request, trained),
        waiting=np.column_stack([one.waiting for one in found]) if found else empty,
        late=np.column_stack([one.late for one in found]) if found else empty.astype(bool),
    )


def _find(store: "FeatureStore", view: View, keys: np.ndarray, used_at: np.ndarray, asked: _Asked) -> _Found:
    moments, known_by, patience = asked.moments, asked.known_by, asked.patience
    limit = view.freshness_limit.total_seconds()
    reach = [np.nanmin(known_by) - max(limit, patience), np.nanmax(known_by) + 1]
    used = used_at[~np.isnan(used_at)]
    begin, end = min([reach[0], *used]), max([reach[1], *(used + 1)])
    wanted = sorted({key for key in keys if key is not None})
    rows = read_stored(offline_folder(store, view), view, wanted, begin, end)
    values = rows.values_at(keys, used_at)
    newest = rows.newest_by(keys, known_by)
    outlived = moments - used_at > limit
    values[out_of_time(moments, used_at, limit)] = np.nan
    first = rows.first_after(keys, used_at)
    waiting = np.where(np.isnan(used_at) & np.isnan(newest), np.nan, np.fmax(known_by - first, 0.0))
    # Where nothing was found at all, a row that stood there for longer than any view may lag had not merely to come.
    absent = np.isnan(used_at) & (waiting > patience)
    late = (outlived | absent) & (waiting > 0) & (moments - newest <= limit)
    return _Found({feature.name: values[:, place] for place, feature in enumerate(view.features)}, waiting, late)
