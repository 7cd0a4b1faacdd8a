"""A view's stored rows of some entities: the one of a second, the newest by a moment, the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from feature_repo.definition import View
from feature_repo.offline import EVENT_TIMESTAMP, view_schema
from lifecycle.recency import last_before
from lifecycle.windows import UNKNOWN, History, history_of

MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class StoredRows:
    """Rows by entity and moment; `history` counts them in microseconds, `values` holds their features by place."""

    history: History
    values: np.ndarray

    def newest_by(self, keys: np.ndarray, moments: np.ndarray) -> np.ndarray:
        """Return the epoch seconds of each key's newest row at or before its moment, (n,); NaN without one."""
        return self._newest("at", keys, moments) / MICROSECONDS

    def first_after(self, keys: np.ndarray, seconds: np.ndarray) -> np.ndarray:
        """Return the epoch seconds of each key's first row after a whole second, or of all for NaN; NaN without one."""
        known, codes = self._known(keys)
        earliest = np.iinfo(np.int64).min
        at = np.where(np.isnan(seconds), earliest, np.nan_to_num(seconds + 1) * MICROSECONDS).astype(np.int64)
        place = self.history.first_at_or_after(codes, at)
        found = known & (place < self.history.first_at_or_after(codes, np.full_like(at, np.iinfo(np.int64).max)))
        moments = np.append(self.history.values["at"], 0)  # noqa: PD011 - no frame
        return np.where(found, moments[np.where(found, place, -1)] / MICROSECONDS, np.nan)

    def values_at(self, keys: np.ndarray, seconds: np.ndarray) -> np.ndarray:
        """Return the features of each key's last row within a whole second, (n, n_features); NaN without one."""
        # Online stores keep whole seconds, so the second is all that is known of the row.
        end = seconds + 1 - 1 / MICROSECONDS
        within = np.floor(self.newest_by(keys, end)) == seconds
        place = self._newest("place", keys, end)
        found = np.full((len(keys), self.values.shape[1]), np.nan)
        found[within] = self.values[place[within].astype(np.int64)]
        return found

    def _newest(self, value: str, keys: np.ndarray, moments: np.ndarray) -> np.ndarray:
        known, codes = self._known(keys)
        asked = known & ~np.isnan(moments)
        at = np.rint(np.where(asked, moments, 0.0) * MICROSECONDS).astype(np.int64) + 1
        return np.where(asked, last_before(self.history, codes, at, value), np.nan)

    def _known(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which keys have rows at all, and the code of each; the history would take a missing key for text."""
        given = np.array([key is not None for key in keys], dtype=bool)
        codes = self.history.codes_of(np.array([key or "" for key in keys], dtype=object))
        return given & (codes != UNKNOWN), codes


def read_stored(folder: Path, view: View, keys: Sequence[str], first: float, last: float) -> StoredRows:
    """Return the rows of some entities stamped from one moment to another, in epoch seconds; none for no key.

    `folder` is the view's, from `offline_folder`.
    """
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in (first, last))
    days = [file for file in folder.glob("*-*-*.parquet") if f"{start:%Y-%m-%d}" <= file.stem <= f"{end:%Y-%m-%d}"]
    wanted = ds.field(view.entity).isin(list(keys)) & (ds.field(EVENT_TIMESTAMP) >= start)
    wanted &= ds.field(EVENT_TIMESTAMP) <= end
    files = ds.dataset([str(file) for file in sorted(days)], schema=view_schema(view), format="parquet")
    table: pa.Table = files.to_table(filter=wanted)
    frame: pd.DataFrame = table.to_pandas()
    at = frame[EVENT_TIMESTAMP].to_numpy("datetime64[us]").astype(np.int64)
    places = np.arange(len(frame), dtype=np.int64)
    history = history_of(frame[view.entity].to_numpy(object), at, {"at": at, "place": places})
    return StoredRows(history, frame[[feature.name for feature in view.features]].to_numpy(np.float64))
