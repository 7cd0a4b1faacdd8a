"""One gateway process put together: models, the watch on their plans, the log, and the application."""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import Engine

from feature_repo.definition import ModelDefinition
from feature_repo.feast_store import open_feature_store
from feature_repo.online import OnlineFeatures
from lifecycle.errors import HoldfastError
from lifecycle.policy import Policy
from serving.at_work import AtWork
from serving.budgets.spending import Spending
from serving.doors.opening import open_door
from serving.health import Health
from serving.idempotency.opening import open_once
from serving.jobs.opening import JobParts, open_jobs
from serving.ledger_link import LedgerLink
from serving.load import LoadMeter
from serving.metrics.gauges import Gauges
from serving.metrics.opening import open_metrics
from serving.metrics.requests import RequestMeter
from serving.metrics.served_families import BREAKER_OPEN, FAILURE_BREAKER
from serving.models import Models
from serving.outputs.capturing import Capturing
from serving.outputs.guards import Guards
from serving.parts import FeatureReader
from serving.plan_source import PlanSource
from serving.plan_watch import PlanWatch
from serving.policy_files import PolicyFiles, known_models
from serving.prediction_ids import PredictionIds
from serving.pulse import Pulse
from serving.registry_hook import open_hook
from serving.reviewing.opening import open_review_api
from serving.rollout.mirroring import Mirroring
from serving.routes import Application
from serving.shadow.shadows import Shadows
from serving.shipping.keeping import Charge, Shipping
from serving.standing import StandingUp
from serving.tiers.breakers import FailureBreakers
from serving.watchdog import Watchdog
from serving.watching.opening import known_baselines
from stores.captures import CaptureFiles
from stores.clock import SystemClock
from stores.ledger.captures import Captures
from stores.ledger.opening import connect
from stores.ledger.pins import Pins
from stores.ledger.spending import SpendingRecords
from stores.ledger.void_claims import void_claims
from stores.log_key import log_key
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import adopt_orphans
from stores.registry import Registry
from stores.settings import Settings
from stores.versions import Versions

log = structlog.get_logger()

PLAN_SECONDS = 0.3
"""How often the ledger is asked for a newer plan: the larger part of a promotion's or rollback's delay."""


@dataclass(frozen=True)
class Gateway:
    """A running gateway without its server: the application to serve, whose shutdown stops the rest."""

    application: Application
    health: Health
    load: LoadMeter
    jobs: JobParts


def open_gateway(chosen: Settings, replica: str) -> Gateway:
    """Return a gateway that has followed every plan it could, and follows them from here on.

    A model that cannot stand up yet does not hold up the others; its readiness says why. Neither does a table
    of the prediction log that cannot be written: answers are logged to segments, which wait.
    """
    writer = SegmentWriter(chosen.prediction_log, replica)
    engine = connect(chosen.ledger_address)
    _adopt_what_can_be(chosen.prediction_log, engine)
    models = Models()
    gauges = Gauges()
    meter = RequestMeter(lambda name: name in models.names())
    door, guest_list = open_door(chosen, engine)
    policies = PolicyFiles(chosen.policies)
    shipping = Shipping(writer, Charge(chosen))
    versions = Versions(chosen.versions, Registry(chosen.mlflow_address), Pins(engine))

    def reader_of(definition: ModelDefinition, policy: Policy) -> FeatureReader:
        store = open_feature_store(definition, chosen.features, chosen.online_store)
        features = OnlineFeatures(store, definition, policy.serving.feature_cache_seconds, time.monotonic)
        features.keep_fresh()
        return features

    ids = PredictionIds(time.time)
    guards = _guards(chosen, engine, replica)
    gauges.ask(BREAKER_OPEN.name, guards.open_breakers)
    at_work = AtWork()
    spending = Spending(SpendingRecords(engine), replica)
    breakers = FailureBreakers()
    gauges.ask(FAILURE_BREAKER.name, breakers.states)
    pulse = Pulse()
    standing_up = StandingUp(
        policies.newest,
        reader_of,
        versions.open,
        writer,
        ids,
        replica,
        guards=guards,
        retried=meter.retried,
        at_work=at_work,
        breakers=breakers,
        spending=spending,
        log_key=partial(log_key, chosen),
    )
    shadows = Shadows(
        chosen.prediction_log, replica, writer, features=chosen.features, online_store=chosen.online_store
    )
    jobs = open_jobs(chosen, engine, replica, models, stopped=guards.is_stopped)
    metrics = open_metrics(
        chosen,
        engine,
        replica,
        models=models,
        meter=meter,
        gauges=gauges,
        shadows=shadows,
        shipping_trouble=shipping.trouble,
        turned_away=door.refusals.counters,
        more=jobs.meter.counters,
    )
    once = open_once(chosen, engine, writer.owned.app_id, meter.replayed)
    watch = PlanWatch(
        known=lambda: known_models(chosen.policies, models.names()),
        plans=PlanSource(LedgerLink(engine), versions, replica),
        policies=policies,
        stand_up=standing_up,
        shadows=Mirroring(shadows, versions.open),
        models=models,
        replica=replica,
        clock=SystemClock(),
        every_seconds=PLAN_SECONDS,
        stopped=lambda model: "; ".join(filter(None, (guards.trouble(model), breakers.trouble(model)))) or None,
        stands_still=pulse.trouble,
        hung=at_work.hung,
    )
    watchdog = Watchdog(at_work, told=watch.report)

    def close() -> None:
        # What ships is last, because it may take the longest.
        for part in (watchdog, pulse, watch, shadows, jobs, once.book, spending, metrics, guards, guest_list, shipping):
            part.stop()

    guest_list.start()
    watch.tick()
    for part in (watch, spending, shipping, metrics, guards, watchdog):
        part.start()

    def begin() -> None:
        pulse.start()
        jobs.start()

    application = Application(
        models,
        close,
        open_hook(chosen, engine),
        metrics,
        on_open=begin,
        door=door,
        jobs=jobs.desk,
        keyed=once,
        reviews=open_review_api(engine, lambda: list(models.names()), policies.newest),
    )
    return Gateway(application, Health(models), LoadMeter(meter), jobs)


def _guards(chosen: Settings, engine: Engine, replica: str) -> Guards:
    capturing = Capturing(CaptureFiles(chosen.captures), Captures(engine), SystemClock().now)
    return Guards(known_baselines(engine, chosen.versions).of, capturing, replica, SystemClock().now)


def _adopt_what_can_be(prediction_log: Path, engine: Engine) -> None:
    # Serving does not depend on what dead replicas left: flows/maintain tries again.
    try:
        adopt_orphans(prediction_log, void_claims(engine, prediction_log))
    except (HoldfastError, OSError) as error:
        log.warning("adoption_failed", folder=str(prediction_log), error=str(error))
