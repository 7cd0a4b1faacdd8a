"""The thread that enters shipped answers into the queue of reviews, seconds after they were given."""

import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

import pyarrow as pa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from lifecycle.errors import HoldfastError
from serving.reviewing.full_queues import FullQueues
from stores.ledger.failing import in_short
from stores.ledger.review_room import Queue
from stores.ledger.reviews import Reviews
from stores.review_rows import PolicyOf, asked_in, first_of, reviewable

log = structlog.get_logger()

MOST_WAITING = 100
"""Shipments that wait for a ledger that is slow; what comes beyond that is entered from the log."""
STOP_SECONDS = 5.0
"""How long a replica that ends waits for its last answers to be entered."""


class Intake:
    """Enters what people are to look at. All of it may fail: the flow `review` enters from the log what is missing.

    No request waits for it, and none touches the ledger for it: it is handed rows that were shipped. While a queue is
    full its rows are let go at once; the flow counts them, and enters them when there is room by then.
    """

    def __init__(
        self,
        reviews: Reviews,
        policy_of: PolicyOf,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reviews = reviews
        self._policy_of = policy_of
        self._now = now
        self._full = FullQueues(monotonic)
        self._away = False
        self._waiting: queue.Queue[pa.Table | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="review-intake", daemon=True)

    def start(self) -> None:
        """Enter in the background."""
        self._thread.start()

    def offer(self, rows: pa.Table) -> None:
        """Take shipped rows, or leave them to the flow when too many wait; returns at once."""
        found = self._full.without(reviewable(rows))
        if not found.num_rows:
            return
        try:
            self._waiting.put_nowait(found)
        except queue.Full:
            log.warning("reviews_left_to_the_flow", rows=found.num_rows, because=f"{MOST_WAITING} shipments wait")

    def stop(self) -> None:
        """Enter what is left, for a few seconds, and end."""
        if not self._thread.is_alive():
            return
        try:
            self._waiting.put(None, timeout=STOP_SECONDS)
        except queue.Full:
            return
        self._thread.join(STOP_SECONDS)

    def enter(self, rows: pa.Table) -> None:
        """Store the reviews that rows ask for; a ledger that is away is told of once in the log."""
        try:
            self._full.learn(rows, *self._entered(rows))
        except (SQLAlchemyError, HoldfastError) as error:
            if not self._away:
                log.warning("reviews_left_to_the_flow", rows=rows.num_rows, because=in_short(error))
            self._away = True
        else:
            self._away = False

    def _entered(self, rows: pa.Table) -> tuple[Collection[Queue], Mapping[str, int]]:
        """Enter what there is room for; return the queues that did not take all, and the bounds by model."""
        policies = {model: self._policy_of(model) for model in rows["model"].unique().to_pylist()}
        bounds = {
            model: policy.review.most_open
            for model, policy in policies.items()
            if policy is not None and policy.review is not None
        }
        # Asked before the rows become objects, which costs more than all the rest.
        fitting, beyond = first_of(rows, self._reviews.room(bounds))
        if not fitting.num_rows:
            return beyond, bounds
        asked = asked_in(fitting, policies.get, self._now())
        left = self._reviews.enter(asked.reviews, most_open=bounds)
        return {*beyond, *left}, bounds

    def _run(self) -> None:
        while (rows := self._waiting.get()) is not None:
            try:
                self.enter(rows)
            except Exception:
                # This thread must outlive whatever the rows of one shipment do to it.
                log.exception("reviews_left_to_the_flow", rows=rows.num_rows)
