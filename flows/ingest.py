"""Ingest: read a window of every stream, examine all of them, and only then store any of it.

Features are made from all streams together, so a window comes in whole or not at all: one refused stream holds the
others back, the watermark stays, and what stood before stands. The next run reads the window again.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

import pandas as pd
import structlog
from prefect import flow

from expectations.suite import Examination, Suite, Window, examine, load_suites
from feature_repo.definition import ModelDefinition, Stream, load_definition
from flows.moments import require_zone
from flows.shelves import Shelves, open_shelves
from flows.turns import take_turns
from lifecycle.errors import DataRejected, InvalidInput, NotFound
from lifecycle.intake import history_start
from stores.clock import ReplayClock
from stores.events import EventStore
from stores.ledger.progress import Batch, Progress
from stores.policies import policy_models
from stores.settings import settings

log = structlog.get_logger()


@dataclass(frozen=True)
class Delivery:
    """One stream's batch of a window as it came, and what was found in it."""

    stream: Stream
    frame: pd.DataFrame
    examination: Examination
    seconds: float


@flow(name="ingest")
def ingest(model: str | None = None, start: datetime | None = None, end: datetime | None = None) -> tuple[Batch, ...]:
    """Take in the events that became known in [start, end), for every model that has a policy or for one.

    By default from where the last ingest ended to the clock's now. Taking a window in twice changes nothing.
    Raises, after every model had its turn, DataRejected when a stream is refused, Conflict while another run is
    at it, InvalidInput for a window that nobody can take in.
    """
    shelves = open_shelves(settings())

    def act(name: str) -> tuple[Batch, ...]:
        definition = load_definition(name)
        with shelves.leases.hold(f"ingest:{name}"):
            window = choose_window(definition, shelves.progress, start, end)
            if window is None:
                log.info("nothing_to_ingest", model=name)
                return ()
            return take_in(definition, load_suites(name), shelves, *window)

    turns = take_turns(policy_models(settings().policies) if model is None else (model,), act)
    return tuple(batch for turn in turns for batch in turn)


def choose_window(
    definition: ModelDefinition, progress: Progress, start: datetime | None, end: datetime | None
) -> tuple[datetime, datetime] | None:
    """Return the window to take in: what was asked, else from the watermark to now; None when that is empty.

    Raises InvalidInput for a time without a zone, and for an end after now: a replay must not know its future.
    """
    require_zone(start, end)
    now = ReplayClock(progress).now()
    if end is not None and end > now:
        raise InvalidInput(f"the window ends at {end.isoformat()}, after now ({now.isoformat()}); end it earlier")
    source_start, source_end = definition.source_range
    start = start or progress.watermark(f"ingest:{definition.name}") or source_start
    end = end or min(now, source_end)
    return (start, end) if start < end else None


def take_in(
    definition: ModelDefinition, suites: Mapping[str, Suite], shelves: Shelves, start: datetime, end: datetime
) -> tuple[Batch, ...]:
    """Take in one window of one model's streams and return what became of each.

    Raises DataRejected naming every refused stream with what was seen and the limit; nothing of the window is
    stored then.
    """
    window = (start, end)
    deliveries = []
    for stream in definition.streams:
        if stream.name not in suites:
            raise NotFound(f"expectations/{definition.name}.py has no suite for the stream {stream.name!r}; add one")
        deliveries.append(_examined(definition.name, stream, suites[stream.name], shelves.events, window))
    refused = [delivery for delivery in deliveries if not delivery.examination.accepted]
    if refused:
        _record_refusal(definition.name, deliveries, shelves.progress, window)
        why = "; ".join(f"{delivery.stream.name}: {delivery.examination.reason}" for delivery in refused)
        raise DataRejected(
            f"{definition.name} from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC is refused. {why}. "
            "Nothing of this window was stored, and what stood before stands."
        )
    batches = tuple(_store(definition.name, delivery, shelves, window) for delivery in deliveries)
    _advance(f"ingest:{definition.name}", shelves.progress, window)
    kept, aside = sum(batch.rows_kept for batch in batches), sum(batch.rows_quarantined for batch in batches)
    log.info("ingested", model=definition.name, start=str(start), end=str(end), rows=kept, quarantined=aside)
    return batches


def _examined(
    model: str, stream: Stream, suite: Suite, events: EventStore, window: tuple[datetime, datetime]
) -> Delivery:
    began = time.monotonic()
    start, end = window
    frame = stream.read(start, end)
    since = datetime.fromtimestamp(history_start(start.timestamp(), end.timestamp()), UTC)
    found = examine(suite, frame, Window(start, end, events.known_at(model, stream.name, since, start)))
    return Delivery(stream, frame, found, time.monotonic() - began)


def _store(model: str, delivery: Delivery, shelves: Shelves, window: tuple[datetime, datetime]) -> Batch:
    began = time.monotonic()
    stream, found = delivery.stream, delivery.examination
    now = ReplayClock(shelves.progress).now()
    aside = shelves.quarantine.add(
        model, stream.name, key=stream.key, frame=delivery.frame, failed=found.bad, window=window, at=now
    )
    kept = shelves.events.merge(model, stream.name, stream.key, found.good)
    batch = replace(
        _refused(model, delivery, window, found.reason, now),
        rows_kept=kept,
        rows_quarantined=aside,
        accepted=True,
        seconds=delivery.seconds + time.monotonic() - began,
    )
    shelves.progress.record_batch(batch)
    return batch


def _record_refusal(
    model: str, deliveries: list[Delivery], progress: Progress, window: tuple[datetime, datetime]
) -> None:
    now = ReplayClock(progress).now()
    refused = [delivery.stream.name for delivery in deliveries if not delivery.examination.accepted]
    held_back = f"held back, because {', '.join(refused)} was refused for the same window"
    for delivery in deliveries:
        reason = held_back if delivery.examination.accepted else delivery.examination.reason
        progress.record_batch(_refused(model, delivery, window, reason, now))
    log.warning("batch_refused", model=model, start=str(window[0]), end=str(window[1]), streams=refused)


def _refused(model: str, delivery: Delivery, window: tuple[datetime, datetime], reason: str, now: datetime) -> Batch:
    return Batch(
        batch_id=uuid4().hex,
        model=model,
        stream=delivery.stream.name,
        start_at=window[0],
        end_at=window[1],
        rows_in=len(delivery.frame),
        rows_kept=0,
        rows_quarantined=0,
        accepted=False,
        reason=reason,
        seconds=delivery.seconds,
        recorded_at=now,
    )


def _advance(mark: str, progress: Progress, window: tuple[datetime, datetime]) -> None:
    start, end = window
    standing = progress.watermark(mark)
    if standing is not None and start > standing:
        # Moving on would leave a gap that no scheduled run ever reads.
        log.warning("watermark_stays", watermark=mark, at=str(standing), because=f"taken in from {start} only")
        return
    progress.advance(mark, end)
