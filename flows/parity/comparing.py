"""Hold a sample of served requests against their features computed again."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from feature_repo.columns import columns_of
from feature_repo.definition import Columns, ModelDefinition
from feature_repo.in_time import ahead_of
from feature_repo.parity import Recomputed, recompute
from feature_repo.vector import Assembled
from flows.supervision.slices import read_requests
from lifecycle.differing import Differences, differences
from lifecycle.parity import Compared, Example, FeatureParity, ViewLag

if TYPE_CHECKING:
    from feast import FeatureStore

HOUR_SECONDS = 3600.0


def compare(
    store: "FeatureStore",
    definition: ModelDefinition,
    rows: pd.DataFrame,
    tolerance: float,
    unknown: frozenset[str] = frozenset(),
) -> Compared:
    """Return how far the logged features of a sample are from those computed again; `tolerance` is a share of a value.

    `rows` are as `sample_served` returns them. Features that are `unknown`, because the log hides them or what they
    follow from, are left out. Raises as `historical_features` does.
    """
    if rows.empty:
        return Compared(0, 0, (), ())
    request = columns_of(definition.contract, read_requests(definition.contract, rows["request"].tolist()))
    feature_at, known_by = _feature_at(definition, rows), _known_by(rows)
    again = recompute(store, definition, request, feature_at, known_by)
    served = _served(definition, rows)
    found = differences(served.matrix, again.expected.matrix, served.defaulted, again.expected.defaulted, tolerance)
    compared = np.array([name not in unknown for name in definition.vector])
    equal = np.equal(served.matrix, again.trained.matrix) & np.equal(served.defaulted, again.trained.defaulted)
    same: np.ndarray = equal[:, compared].all(axis=1)
    return Compared(
        rows=len(rows),
        as_trained=int(same.sum()),
        features=tuple(one for one in _features(definition, rows, served, again, found) if one.feature not in unknown),
        views=_lags(definition, request, feature_at, again),
    )


def _features(
    definition: ModelDefinition, rows: pd.DataFrame, served: Assembled, again: Recomputed, found: Differences
) -> tuple[FeatureParity, ...]:
    any_late = np.asarray(again.late.any(axis=1))
    said = []
    for column, feature in enumerate(definition.vector):
        view = definition.view_of(feature)
        name = None if view is None else view.name
        wrong = np.flatnonzero(found.differ[:, column])
        if not wrong.size:
            said.append(FeatureParity(feature, name, len(rows)))
            continue
        late = any_late if view is None else again.late[:, definition.views.index(view)]
        by = np.nan_to_num(found.by[wrong, column], nan=np.inf)
        worst = int(wrong[np.argmax(by)])
        said.append(
            FeatureParity(
                feature=feature,
                view=name,
                rows=len(rows),
                differing=len(wrong),
                late=int(late[wrong].sum()),
                largest=float(by.max()),
                example=Example(
                    prediction_id=str(rows["prediction_id"].iloc[worst]),
                    served=float(served.matrix[worst, column]),
                    recomputed=float(again.expected.matrix[worst, column]),
                    served_default=bool(served.defaulted[worst, column]),
                    recomputed_default=bool(again.expected.defaulted[worst, column]),
                ),
                first_at=rows["moment_at"].iloc[int(wrong[0])].to_pydatetime(),
            )
        )
    return tuple(said)


def _lags(
    definition: ModelDefinition, request: Columns, feature_at: np.ndarray, again: Recomputed
) -> tuple[ViewLag, ...]:
    moments = definition.prediction_moments(request)
    said = []
    for column, view in enumerate(definition.views):
        used = feature_at[:, column]
        waiting = again.waiting[:, column] / HOUR_SECONDS
        lags = waiting[~np.isnan(waiting)]
        quantiles = np.quantile(lags, [0.5, 0.95, 1.0]).tolist() if lags.size else [None] * 3
        said.append(
            ViewLag(
                view=view.name,
                limit_hours=view.freshness_limit.total_seconds() / HOUR_SECONDS,
                rows=len(used),
                behind=int((lags > 0).sum()),
                ahead=int(ahead_of(moments, used).sum()),
                late=int(again.late[:, column].sum()),
                median_hours=quantiles[0],
                p95_hours=quantiles[1],
                largest_hours=quantiles[2],
            )
        )
    return tuple(said)


def _served(definition: ModelDefinition, rows: pd.DataFrame) -> Assembled:
    places = {name: column for column, name in enumerate(definition.vector)}
    defaulted = np.zeros((len(rows), len(places)), dtype=bool)
    for row, names in enumerate(rows["defaulted"]):
        defaulted[row, [places[name] for name in names]] = True
    return Assembled(matrix=np.stack(rows["features"].to_list()).astype(np.float32), defaulted=defaulted)


def _feature_at(definition: ModelDefinition, rows: pd.DataFrame) -> np.ndarray:
    if not definition.views:
        return np.empty((len(rows), 0))
    stamps = np.array(rows["feature_at"].to_list(), dtype="datetime64[us]")
    return np.where(np.isnat(stamps), np.nan, stamps.astype(np.int64) / 1e6)


def _known_by(rows: pd.DataFrame) -> np.ndarray:
    # Who asks ahead of the moment is served what is known then; in a replay the wall is far ahead of every moment.
    earliest = rows[["moment_at", "served_at"]].min(axis=1)
    seconds: np.ndarray = earliest.to_numpy("datetime64[us]").astype(np.int64) / 1e6
    return seconds
