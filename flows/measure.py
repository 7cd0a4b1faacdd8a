"""Measure: join what was answered with the labels that have come in, by version, over a rolling window."""

from datetime import datetime, timedelta

import structlog
from prefect import flow
from sqlalchemy import Engine

from flows.measuring.windows import Measurer
from flows.moments import require_zone
from flows.turns import take_turns
from lifecycle.quality import Quality
from stores.clock import ReplayClock
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.ledger.quality import QualityRecords
from stores.policies import load_policy, policy_models
from stores.settings import Settings, settings

log = structlog.get_logger()


@flow
def measure(model: str | None = None, until: datetime | None = None) -> tuple[Quality, ...]:
    """Record the quality of every version that answered in the policy's window up to `until` (now by default).

    A model that has answered nothing yet is passed over. Labels count as of now, so a later run over the
    same window knows more, and takes the place of the earlier. Without `until`, the window that ended with the last
    day whose labels had the time to come is measured as well, once: there the estimate is held against the truth.
    Raises, after every model had its turn, DataRejected when what was served fails its suite; InvalidInput for a time
    without a zone.
    """
    config = settings()
    engine = open_ledger(config.ledger_address)
    require_zone(until)

    def act(name: str) -> list[Quality]:
        measured = _measure_model(name, until, config, engine)
        _record(measured, engine)
        if until is None:
            _settle_model(name, config, engine)
        return measured

    turns = take_turns(policy_models(config.policies) if model is None else (model,), act)
    return tuple(quality for measured in turns for quality in measured)


def _measure_model(model: str, until: datetime | None, config: Settings, engine: Engine) -> list[Quality]:
    measurer = Measurer(load_policy(config.policies, model), config, engine)
    now = ReplayClock(Progress(engine)).now()
    return measurer.measure(measurer.window(until or now, now))


def _settle_model(model: str, config: Settings, engine: Engine) -> None:
    """Measure the window up to the newest midnight (UTC) whose labels had the time to come, unless that was done."""
    progress = Progress(engine)
    measurer = Measurer(load_policy(config.policies, model), config, engine)
    now = ReplayClock(progress).now()
    ripe = now - timedelta(hours=measurer.policy.training.label_maturity_hours)
    midnight = ripe.replace(hour=0, minute=0, second=0, microsecond=0)
    done = progress.watermark(f"settled:{model}")
    if done is not None and done >= midnight:
        return
    _record(measurer.measure(measurer.window(midnight, now)), engine)
    # Only now: a run that dies before measures the same window again, and changes nothing that stood.
    progress.advance(f"settled:{model}", midnight)


def _record(measured: list[Quality], engine: Engine) -> None:
    for quality in measured:
        QualityRecords(engine).record(quality)
        log.info("measured", model=quality.model, version=quality.version, labelled=quality.labelled)
