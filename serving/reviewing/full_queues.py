"""Which queues of reviews are known to be full, so that what asks for more of them costs next to nothing."""

import time
from collections.abc import Callable, Collection, Mapping

import pyarrow as pa
import structlog

from stores.ledger.review_room import Queue
from stores.review_rows import asks_for, queues_of

log = structlog.get_logger()

FULL_SECONDS = 5.0
"""How long a queue that was full is taken to be."""


class FullQueues:
    """Remembers queues that did not take all they were given. One thread learns, another asks.

    A queue is told of in the log when it begins to be full, and again only after it took everything.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._until: Mapping[Queue, float] = {}
        self._told: frozenset[Queue] = frozenset()

    def without(self, rows: pa.Table) -> pa.Table:
        """Return rows without those that ask for a queue which is full."""
        now = self._monotonic()
        for queue, until in self._until.items():
            if now < until and rows.num_rows:
                rows = rows.filter(asks_for(rows, queue, wanted=False))
        return rows

    def learn(self, rows: pa.Table, full: Collection[Queue], most_open: Mapping[str, int]) -> None:
        """Take in which queues did not take all of some rows; `most_open` is each model's bound."""
        until = self._monotonic() + FULL_SECONDS
        asked = queues_of(rows)
        others = {queue: then for queue, then in self._until.items() if queue not in asked}
        # Replaced and never changed, as the other thread may be reading it.
        self._until = others | dict.fromkeys(full, until)
        for model, kind in sorted(set(full) - self._told):
            log.warning("reviews_not_entered", model=model, kind=kind.value, most_open=most_open[model])
        self._told = self._told - asked | frozenset(full)
