"""Which examples are known to have turned out how, by now."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd
import structlog

from feature_repo.definition import ModelDefinition
from lifecycle.errors import NotFound, Unavailable
from stores.events import EventStore

log = structlog.get_logger()

FRESH = timedelta(minutes=1)
"""Labels come in by the hour; reading them anew at every look would cost more than the rest of it."""


@dataclass(frozen=True)
class Labels:
    """Labels by example id, (n_examples,) float64 of 0 and 1, and when the newest of them became known."""

    by_example: pd.Series
    until_at: datetime | None


NONE_KNOWN = Labels(pd.Series(dtype="float64"), None)


class KnownLabels:
    """Reads the labels of a span of prediction moments, and keeps them for a minute of the clock."""

    def __init__(self) -> None:
        self._labels = NONE_KNOWN
        self._start: datetime | None = None
        self._end: datetime | None = None
        self._read_at: datetime | None = None

    def of(
        self, definition: ModelDefinition, events: EventStore, start: datetime, end: datetime, now: datetime
    ) -> Labels:
        """Return the labels of the examples with a moment in [start, end] that were known before `now`.

        A model whose events were never stored has none. While they cannot be read, those read last count, because the
        rules that ask for no label must go on.
        """
        if not self._covers(start, end, now):
            # Whole hours, so that the next look, a little later, finds them wide enough.
            self._start = start.replace(minute=0, second=0, microsecond=0)
            self._end = end.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
            self._read_at = now
            try:
                self._labels = _read(definition, events, self._start, self._end, now)
            except Unavailable as error:
                log.warning("labels_not_read", model=definition.name, error=str(error))
        return self._labels

    def _covers(self, start: datetime, end: datetime, now: datetime) -> bool:
        if self._start is None or self._end is None or self._read_at is None:
            return False
        return self._start <= start and end < self._end and timedelta() <= now - self._read_at < FRESH


def _read(definition: ModelDefinition, events: EventStore, start: datetime, end: datetime, now: datetime) -> Labels:
    first = start - definition.lookback
    try:
        stored = {stream.name: events.load(definition.name, stream.name, first, now) for stream in definition.streams}
    except NotFound:
        return NONE_KNOWN
    examples = definition.examples(stored, start, end)
    if examples.empty:
        return NONE_KNOWN
    known = examples.drop_duplicates("example_id", keep="last").set_index("example_id")
    newest = known["label_known_at"].max().to_pydatetime().astimezone(UTC)
    return Labels(known["label"].astype("float64"), newest)
