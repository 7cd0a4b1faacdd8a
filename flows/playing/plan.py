"""Which part of the source is played next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from feature_repo.definition import ModelDefinition
from lifecycle.errors import InvalidInput


@dataclass(frozen=True)
class Play:
    """One model's replay: events from `start`, learning up to `history_end`, traffic from `live_start` to `live_end`.

    `first` claims that none of its traffic was ever played.
    """

    definition: ModelDefinition
    start: datetime
    history_end: datetime
    live_start: datetime
    live_end: datetime

    @property
    def first(self) -> bool:
        """Whether the traffic begins right where the learning ends."""
        return self.live_start == self.history_end


def plan_play(definition: ModelDefinition, replayed: datetime | None, history_days: int, live_days: int) -> Play:
    """Return what to play next: from the source's start at first, afterwards on from where the clock stands."""
    start, source_end = definition.source_range
    history_end = _next_midnight(start + timedelta(days=history_days))
    live_start = max(history_end, replayed or history_end)
    live_end = live_start + timedelta(days=live_days)
    if live_end > source_end:
        raise InvalidInput(
            f"the source of {definition.name} ends at {source_end:%Y-%m-%d}, but the play would go on to "
            f"{live_end:%Y-%m-%d}; play fewer days, or `make clean` and start over"
        )
    return Play(definition, start, history_end, live_start, live_end)


def steps(start: datetime, end: datetime, step: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """Yield the spans from start to end, each a step long, the last one perhaps shorter."""
    while start < end:
        yield start, min(start + step, end)
        start += step


def _next_midnight(moment: datetime) -> datetime:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == moment else midnight + timedelta(days=1)
