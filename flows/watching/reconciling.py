"""Counts are held against the prediction log, and counted anew where a gateway died before it had written its own."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from feature_repo.definition import ModelDefinition
from flows.editions import edition_of_version
from stores.hours import Hour
from stores.ledger.baselines import Baseline
from stores.ledger.profiles import Profiles
from stores.ledger.progress import Progress
from stores.prediction_log.logged_hours import LoggedHour, LoggedHours
from stores.prediction_log.table import PredictionLog

SETTLES = timedelta(seconds=20)
"""Of the machine's time. What was served longer ago is shipped, counted and written, or never will be."""
LATE = timedelta(hours=3)
"""Of the machine's time. Rows that are shipped so long after they were served still have their hours compared:
`maintain`, which ships what dead replicas left, runs every hour."""
REACHES = timedelta(days=7)
"""Of event time. Older hours than that stay as they were counted, whatever comes late."""
EVERY = timedelta(minutes=10)
"""Of the machine's time, while no hour ends."""
PARTS_STAND = timedelta(days=60)
"""Of event time. Parts of older hours are put together, and no older hour is compared for the first time."""
log = structlog.get_logger()


@dataclass(frozen=True)
class Reconciled:
    """How many hours were compared with the log, counted anew from it, and put together of several parts."""

    compared: int = 0
    recounted: int = 0
    put_together: int = 0


def reconcile(
    engine: Engine,
    prediction_log: PredictionLog,
    definition: ModelDefinition,
    baseline: Baseline,
    *,
    now: datetime,
    machine_now: datetime,
) -> Reconciled:
    """Hold a version's counts against the log, in every hour that ended by `now` and was not compared yet.

    `now` is the clock's, which a replay sets; `machine_now` is the machine's, by which rows are served. Hours from
    before the version had its baseline are counted here for the first time. Hours are compared again when rows of them
    were served since, within what LATE and REACHES say. Done twice, or ended anywhere and begun again, it changes
    nothing more. Where the log has no rows any more, counts stand.
    """
    progress, profiles = Progress(engine), Profiles(engine)
    marks = [f"{name}:{baseline.model}:{baseline.version}" for name in ("counts", "counts-looked")]
    closed = now.replace(minute=0, second=0, microsecond=0)
    come_to, looked_at = (progress.watermark(name) for name in marks)
    if come_to is not None and looked_at is not None and closed <= come_to and machine_now - looked_at < EVERY:
        return Reconciled()
    vector = edition_of_version(engine, definition, baseline.version).vector
    logged = LoggedHours(prediction_log, baseline.model, baseline.version, vector)
    since = closed - PARTS_STAND
    if come_to is not None and looked_at is not None:
        # Counted from the last look, so that no pause between looks is too long; unsettled hours are found by this too.
        late = logged.earliest(closed - REACHES, closed, min(machine_now, looked_at) - LATE)
        since = come_to if late is None else min(come_to, late)
    settled = [hour for hour in logged.between(since, closed) if hour.served_at <= machine_now - SETTLES]
    counted = profiles.rows(baseline.model, baseline.version, since, closed)
    differing = [hour for hour in settled if counted.get(hour.hour_at, 0) != hour.rows]
    recounted = sum(_count_anew(profiles, logged, hour, baseline, machine_now) for hour in differing)
    together = profiles.put_together(baseline.model, baseline.version, baseline.profile, before=closed - PARTS_STAND)
    progress.advance(marks[0], closed)
    progress.advance(marks[1], machine_now)
    return Reconciled(len(settled), recounted, together)


def _count_anew(
    profiles: Profiles, logged: LoggedHours, hour: LoggedHour, baseline: Baseline, counted_at: datetime
) -> bool:
    counts = logged.counts(hour, baseline.profile)
    try:
        profiles.replace(Hour(baseline.model, baseline.version, hour.hour_at), counts, counted_at)
    except IntegrityError:
        # Another run has just done the same.
        return False
    names = {"model": baseline.model, "version": baseline.version, "hour": hour.hour_at.isoformat()}
    log.info("hour_counted_anew", **names, rows=counts.rows)
    return True
