"""A gateway's path without HTTP: rows built, stored and pushed hour by hour, requests looked up, assembled, logged."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Engine

from feature_repo.columns import columns_of
from feature_repo.definition import ModelDefinition, View
from feature_repo.offline import offline_folder, write_offline
from feature_repo.online import OnlineFeatures
from feature_repo.push import push_latest
from feature_repo.vector import assemble
from stores.ledger.progress import Progress
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import adopt_orphans
from stores.settings import Settings

if TYPE_CHECKING:
    from feast import FeatureStore

Pushed = Callable[[View, pd.DataFrame], pd.DataFrame]


@dataclass
class Served:
    """A model's store, events and log; `definition` is the true one, by which rows are stored."""

    definition: ModelDefinition
    store: "FeatureStore"
    events: Mapping[str, pd.DataFrame]
    config: Settings
    engine: Engine
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def build(self, start: datetime, end: datetime, pushed: Pushed = lambda _, rows: rows) -> None:
        """Store every view's rows of (start, end] and push them, maybe otherwise."""
        for view in self.definition.views:
            rows = view.build(self.events, start, end)
            write_offline(offline_folder(self.store, view), view, rows, start, end)
            push_latest(self.store, view, pushed(view, rows))
        progress = Progress(self.engine)
        progress.advance(f"materialize:{self.definition.name}", end)
        progress.set_replay(end)

    def play(
        self,
        start: datetime,
        end: datetime,
        step: timedelta,
        *,
        served_by: ModelDefinition | None = None,
        pushed: Pushed = lambda _, rows: rows,
        rewritten: Callable[[np.ndarray], np.ndarray] = lambda matrix: matrix,
    ) -> int:
        """Ask each step's requests of the features pushed up to its beginning, then build it; return how many."""
        rows: list[dict[str, object]] = []
        while start < end:
            frame = self.definition.requests(self.events, start, start + step)
            if not frame.empty:
                rows += self._answer(frame, served_by or self.definition, rewritten)
            self.build(start, start + step, pushed)
            start += step
        self.log(rows)
        return len(rows)

    def _answer(
        self, frame: pd.DataFrame, by: ModelDefinition, rewritten: Callable[[np.ndarray], np.ndarray]
    ) -> list[dict[str, object]]:
        request = columns_of(by.contract, frame)
        found = OnlineFeatures(self.store, by, cache_seconds=0, monotonic=lambda: 0.0).read(request)
        made = assemble(by, request, found.values)
        matrix = rewritten(made.matrix)
        moments = self.definition.prediction_moments(request)
        event_at = np.stack([found.event_at[view.name] for view in by.views], axis=1)
        names = np.array(by.vector)
        return [
            {
                "prediction_id": f"p{next(self.numbers):06d}",
                "model": by.name,
                "contract": by.contract.name,
                "tier": "model",
                "arm": "champion",
                "version": "1",
                "shown": True,
                "outcome": "answered",
                "served_at": datetime.now(UTC),
                "moment_at": _moment(moments[row]),
                "request": asked,
                "features": matrix[row].tolist(),
                "defaulted": names[made.defaulted[row]].tolist(),
                "feature_at": [_moment(stamp) for stamp in event_at[row]],
                "score": 0.5,
            }
            for row, asked in enumerate(_as_json(frame, by))
        ]

    def log(self, rows: list[dict[str, object]]) -> None:
        """Log rows in a segment of a replica that ends at once, and ship it."""
        writer = SegmentWriter(self.config.prediction_log, f"r{next(self.numbers)}")
        writer.append(pa.RecordBatch.from_pylist(rows, schema=SCHEMA))
        writer.close()
        adopt_orphans(self.config.prediction_log)


def _moment(seconds: float) -> datetime | None:
    return None if np.isnan(seconds) else datetime.fromtimestamp(float(seconds), UTC)


def _as_json(frame: pd.DataFrame, by: ModelDefinition) -> list[str]:
    fields = frame[[known.name for known in by.contract.fields]].astype(object)
    whole = fields.where(fields.notna(), None)
    return [
        json.dumps(row, default=lambda moment: moment.isoformat().replace("+00:00", "Z"))
        for row in whole.to_dict(orient="records")
    ]
