"""Materialize: stored events to feature rows, on file for training and pushed for serving."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd
import structlog
from prefect import flow

from feature_repo.definition import ModelDefinition, View, load_definition
from feature_repo.feast_store import open_feature_store
from feature_repo.offline import offline_folder, write_offline
from feature_repo.push import push_latest
from flows.moments import require_zone
from flows.turns import take_turns
from lifecycle.errors import EvidenceMissing, InvalidInput, NotFound
from stores.clock import ReplayClock
from stores.events import EventStore
from stores.ledger.leases import Leases
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.policies import policy_models
from stores.settings import settings

if TYPE_CHECKING:
    from feast import FeatureStore


log = structlog.get_logger()


@dataclass(frozen=True)
class Materialized:
    """What a run did for one model: rows per view written for (start_at, end_at], and entities pushed online."""

    model: str
    start_at: datetime
    end_at: datetime
    rows: Mapping[str, int]
    pushed: Mapping[str, int]


@flow(name="materialize")
def materialize(
    model: str | None = None, start: datetime | None = None, end: datetime | None = None
) -> tuple[Materialized, ...]:
    """Build and store the feature rows of (start, end], for every model that has a policy or for one.

    By default from where the last run ended to the clock's now, as far as events are taken in. A window that has
    been built already is built anew and changes nothing. Raises, after every model had its turn, EvidenceMissing
    when `end` lies beyond the events, Conflict while another run is at it.
    """
    kept = settings()
    engine = open_ledger(kept.ledger_address)
    progress, leases = Progress(engine), Leases(engine)

    def act(name: str) -> Materialized:
        with leases.hold(f"materialize:{name}"):
            return _materialize_model(load_definition(name), progress, start, end)

    return take_turns(policy_models(kept.policies) if model is None else (model,), act)


def _materialize_model(
    definition: ModelDefinition, progress: Progress, start: datetime | None, end: datetime | None
) -> Materialized:
    kept = settings()
    mark = f"materialize:{definition.name}"
    standing = progress.watermark(mark) or definition.source_range[0]
    known_until = progress.watermark(f"ingest:{definition.name}") or definition.source_range[0]
    start, end = choose_window(start, end, standing, known_until, ReplayClock(progress).now())
    if start == end:
        log.info("nothing_to_materialize", model=definition.name, until=str(end))
        return Materialized(definition.name, start, end, rows={}, pushed={})
    events = _load(EventStore(kept.events), definition, start, end)
    store = open_feature_store(definition, kept.features, kept.online_store)
    done = build_window(definition, store, events, start=start, end=end)
    if start <= standing:
        progress.advance(mark, end)
    log.info("materialized", model=definition.name, start=str(start), end=str(end), rows=sum(done.rows.values()))
    return done


def choose_window(
    start: datetime | None, end: datetime | None, standing: datetime, known_until: datetime, now: datetime
) -> tuple[datetime, datetime]:
    """Return the window to build: what was asked, else from `standing` to now, never beyond the known events.

    An empty window, start equal to end, means there is nothing to do. Raises EvidenceMissing for an asked end
    beyond the known events, InvalidInput for a time without a zone and for an asked end before the start.
    """
    require_zone(start, end)
    if end is not None and end > known_until:
        raise EvidenceMissing(f"events are taken in until {known_until}, not {end}; run the flow ingest first")
    first = standing if start is None else start
    last = min(now, known_until) if end is None else end
    if end is not None and start is not None and end < start:
        raise InvalidInput(f"the window ends at {end}, before it starts at {start}")
    return first, max(first, last)


def build_window(
    definition: ModelDefinition,
    store: "FeatureStore",
    events: Mapping[str, pd.DataFrame],
    *,
    start: datetime,
    end: datetime,
) -> Materialized:
    """Build every view whose streams are there for (start, end], write its rows and push the newest."""
    rows: dict[str, int] = {}
    pushed: dict[str, int] = {}
    for view in definition.views:
        absent = [stream for stream in view.streams if stream not in events]
        if absent:
            log.warning("view_without_events", view=view.name, streams=absent)
            continue
        built = view.build(events, start, end)
        rows[view.name] = write_offline(offline_folder(store, view), view, built, start, end)
        pushed[view.name] = push_latest(store, view, built)
    return Materialized(definition.name, start, end, rows, pushed)


def _load(store: EventStore, definition: ModelDefinition, start: datetime, end: datetime) -> dict[str, pd.DataFrame]:
    """Return each needed stream from the longest lookback of its views on; streams never stored are left out."""
    events: dict[str, pd.DataFrame] = {}
    for stream, lookback in _lookbacks(definition.views).items():
        try:
            events[stream] = store.load(definition.name, stream, start - lookback, end)
        except NotFound:
            log.info("stream_not_stored_yet", model=definition.name, stream=stream)
    return events


def _lookbacks(views: tuple[View, ...]) -> dict[str, timedelta]:
    longest: dict[str, timedelta] = {}
    for view in views:
        for stream in view.streams:
            longest[stream] = max(view.lookback, longest.get(stream, timedelta(0)))
    return longest
