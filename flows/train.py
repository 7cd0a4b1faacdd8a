"""Train a model on its window, register the version with all it came from, and judge it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial

import structlog
from prefect import flow
from sqlalchemy import Engine

from feature_repo.definition import load_definition
from feature_repo.feast_store import open_feature_store
from flows.training.candidate import grow_candidate
from flows.training.promotion import Promotion
from flows.training.registration import register_candidate
from flows.training.rows import gather_rows
from flows.training.window import choose_window, require_reach
from flows.turns import take_turns
from lifecycle.errors import ArtifactInvalid, EvidenceMissing, NotFound
from lifecycle.evaluation import Metrics
from lifecycle.manifest import Manifest
from lifecycle.policy import Policy
from lifecycle.verdict import Verdict
from stores.clock import ReplayClock
from stores.events import EventStore
from stores.ledger.leases import Leases
from stores.ledger.opening import open_ledger
from stores.ledger.pins import Pins
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress
from stores.policies import load_policy, policy_models
from stores.predictor import load_predictor, prove
from stores.registry import Registry
from stores.settings import Settings, settings
from stores.versions import Versions

log = structlog.get_logger()


@dataclass(frozen=True)
class TrainingSummary:
    """What came of one training; `metrics` are the version's and its rivals' on the judged rows.

    `verdict` is the offline gate's. A version that passes is champion when none stood, and else waits for its shadow.
    """

    model: str
    version: str
    artifact_digest: str
    verdict: Verdict
    reason: str
    metrics: Mapping[str, Metrics]


@flow
def train(
    model: str | None = None, start: datetime | None = None, end: datetime | None = None
) -> tuple[TrainingSummary, ...]:
    """Train one model, or every model that has a policy, and return a summary of each.

    The window is the policy's, up to now, unless given. Of all models, one that has not enough data
    yet is left for the next run, and any other error is raised after every model had its turn; asked for by name,
    a model without enough data raises EvidenceMissing or NotFound.
    """
    config = settings()
    engine = open_ledger(config.ledger_address)
    if model is not None:
        return (train_model(model, config, engine, start, end),)

    def act(name: str) -> TrainingSummary | None:
        try:
            return train_model(name, config, engine, start, end)
        except (EvidenceMissing, NotFound) as error:
            log.warning("training_held", model=name, because=str(error))
            return None

    return tuple(summary for summary in take_turns(policy_models(config.policies), act) if summary is not None)


def train_model(
    model: str, config: Settings, engine: Engine, start: datetime | None = None, end: datetime | None = None
) -> TrainingSummary:
    """Train, register and judge one model; see `train`.

    Raises Conflict while another training of the model runs, EvidenceMissing when ingest or materialize have not
    come far enough, DataRejected when the training set fails a critical expectation, ArtifactInvalid when the
    registered version does not reproduce its example.
    """
    definition, policy = load_definition(model), load_policy(config.policies, model)
    progress, plans = Progress(engine), Plans(engine)
    clock = ReplayClock(progress)
    registry = Registry(config.mlflow_address, artifacts=config.home / "mlflow" / "artifacts")
    versions = Versions(config.versions, registry, Pins(engine))
    promotion = Promotion(engine, registry, clock)
    with Leases(engine).hold(f"train:{model}"):
        window = choose_window(policy.training, clock.now(), start, end)
        reached = {flow: progress.watermark(f"{flow}:{model}") for flow in ("ingest", "materialize")}
        require_reach(model, reached, window, definition.source_range[1])
        store = open_feature_store(definition, config.features, config.online_store)
        rows = gather_rows(definition, store, EventStore(config.events), policy.training, window)
        candidate = grow_candidate(definition, policy, rows)
        beside = cache(partial(candidate.beside, versions=versions))
        rivals, evaluation = beside(plans.current(model).champion)
        version, manifest = register_candidate(candidate, rivals, evaluation, registry)
        _prove(versions, promotion, policy, version, manifest)
        outcome = promotion.judge(policy, version, manifest, lambda champion: beside(champion)[1])
    return TrainingSummary(
        model=model,
        version=version,
        artifact_digest=manifest.artifact_digest,
        verdict=outcome.verdict,
        reason=outcome.reason,
        metrics={scorer: measured.overall for scorer, measured in evaluation.scorers().items()},
    )


def _prove(versions: Versions, promotion: Promotion, policy: Policy, version: str, manifest: Manifest) -> None:
    try:
        files = versions.open(policy.model, version)
        prove(files, load_predictor(files))
    except ArtifactInvalid as error:
        promotion.refuse(policy, version, manifest, error)
        raise
