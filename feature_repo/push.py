"""The online push: an entity's newest row replaces an older one, never a newer one."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from feature_repo.definition import View
from feature_repo.feast_store import online_errors
from feature_repo.offline import EVENT_TIMESTAMP
from lifecycle.errors import Unavailable

if TYPE_CHECKING:
    from feast import FeatureStore

KEYS_PER_READ = 5_000


def push_latest(store: "FeatureStore", view: View, rows: pd.DataFrame) -> int:
    """Write the newest of `rows` per entity to the online store; return how many were written.

    Feast's SQLite store takes whatever comes last, so an entity whose standing row is newer is left out here; an
    equal moment is written again, for a correction. Feast writes no batch whose every value is missing: then the
    standing rows stay until they are stale. Raises Unavailable when the online store cannot be reached.
    """
    newest = rows.sort_values(EVENT_TIMESTAMP, kind="stable").drop_duplicates("entity", keep="last")
    names = [feature.name for feature in view.features]
    if newest.empty:
        return 0
    stamps = newest[EVENT_TIMESTAMP].to_numpy("datetime64[s]").astype(np.int64)
    try:
        due = newest.loc[stamps >= _standing(store, view, newest["entity"].tolist())]
        if due[names].isna().to_numpy().all():
            return 0
        store.write_to_online_store(view.name, due.rename(columns={"entity": view.entity}))
    except online_errors(store) as error:
        raise Unavailable(f"the newest rows of {view.name} cannot be pushed: {error}") from error
    return len(due)


def _standing(store: "FeatureStore", view: View, keys: list[str]) -> np.ndarray:
    """Return the epoch second of each entity's standing row, 0 when there is none."""
    ref = f"{view.name}:{view.features[0].name}"
    seconds: list[int] = []
    for first in range(0, len(keys), KEYS_PER_READ):
        some = keys[first : first + KEYS_PER_READ]
        response = store.get_online_features(features=[ref], entity_rows={view.entity: some})
        found = dict(zip(response.proto.metadata.feature_names.val, response.proto.results, strict=True))
        seconds.extend(stamp.seconds for stamp in found[view.features[0].name].event_timestamps)
    return np.array(seconds, dtype=np.int64)
