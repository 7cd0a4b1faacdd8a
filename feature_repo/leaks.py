"""The leak check: feature rows built with hindsight, held against rows built from what was known by then."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from feature_repo.definition import Events, View
from feature_repo.offline import EVENT_TIMESTAMP

INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Leak:
    """A value that changes when the future is taken away; NaN stands for no row or no value."""

    view: str
    feature: str
    entity: str
    event_timestamp: datetime
    with_hindsight: float
    known_then: float

    def __str__(self) -> str:
        return (
            f"{self.view}.{self.feature} of {self.entity} at {self.event_timestamp} is {self.with_hindsight} built "
            f"with hindsight and {self.known_then} from what was known by then; count an event from its known_at on"
        )


def find_leaks(view: View, events: Events, start: datetime, end: datetime, moments: int = 50) -> tuple[Leak, ...]:
    """Return every value of the view that depends on events known only later, at a sample of row moments.

    Builds (start, end] once from all `events`, which reach beyond `end`, and again at `moments` evenly spread row
    timestamps from the events known before each. No leak, and no row to check, give an empty tuple.
    """
    hindsight = view.build(events, start, end)
    stamps = np.sort(hindsight[EVENT_TIMESTAMP].unique())
    chosen = stamps[np.unique(np.linspace(0, len(stamps) - 1, moments).astype(int))] if len(stamps) else stamps
    leaks: list[Leak] = []
    for stamp in pd.DatetimeIndex(chosen):
        known = {name: frame.loc[frame["known_at"] < stamp] for name, frame in events.items()}
        moment = stamp.to_pydatetime()
        then = view.build(known, moment - INSTANT, moment)
        leaks.extend(_differences(view, moment, hindsight.loc[hindsight[EVENT_TIMESTAMP] == stamp], then))
    return tuple(leaks)


def _differences(view: View, moment: datetime, hindsight: pd.DataFrame, then: pd.DataFrame) -> Iterator[Leak]:
    names = [feature.name for feature in view.features]
    left, right = hindsight.set_index("entity")[names], then.set_index("entity")[names]
    entities = left.index.union(right.index)
    seen, known = left.reindex(entities).to_numpy(), right.reindex(entities).to_numpy()
    for row, column in np.argwhere((seen != known) & ~(np.isnan(seen) & np.isnan(known))):
        entity = str(entities[row])
        yield Leak(view.name, names[column], entity, moment, float(seen[row, column]), float(known[row, column]))
