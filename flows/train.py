"""Train a model on its window, register the version with all it came from, and judge it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial

import structlog
from prefect import flow
from sqlalchemy import Engine

from flows.training.candidate import grow_candidate
from flows.training.registration import register_candidate
from flows.training.unjudged import judge_unjudged
from flows.training.window import choose_window, require_reach
from flows.training.workbench import Workbench, open_workbench
from flows.turns import take_turns
from lifecycle.errors import ArtifactInvalid, EvidenceMissing, NotFound
from lifecycle.evaluation import Metrics
from lifecycle.manifest import Manifest
from lifecycle.verdict import Verdict
from stores.ledger.leases import Leases
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress
from stores.policies import policy_models
from stores.predictor import load_predictor, prove
from stores.settings import Settings, settings
from stores.small import load_small

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
    model: str,
    config: Settings,
    engine: Engine,
    start: datetime | None = None,
    end: datetime | None = None,
    *,
    origin: Mapping[str, str] | None = None,
) -> TrainingSummary:
    """Train, register and judge one model; see `train`. `origin` is kept with the version, as tags.

    A version that an earlier training left unjudged is judged first. Raises Conflict while another training of the
    model runs, EvidenceMissing when ingest or materialize have not come far enough, DataRejected when the training set
    fails a critical expectation, ArtifactInvalid when the registered version does not reproduce its example.
    """
    bench = open_workbench(model, config, engine)
    progress, plans = Progress(engine), Plans(engine)
    with Leases(engine).hold(f"train:{model}"):
        judge_unjudged(bench)
        window = choose_window(bench.policy.training, bench.clock.now(), start, end)
        reached = {flow: progress.watermark(f"{flow}:{model}") for flow in ("ingest", "materialize")}
        require_reach(model, reached, window, bench.definition.source_range[1])
        candidate = grow_candidate(bench.definition, bench.policy, bench.gather(window))
        beside = cache(partial(candidate.beside, versions=bench.versions))
        rivals, evaluation = beside(plans.current(model).champion)
        version, manifest = register_candidate(candidate, rivals, evaluation, bench.registry, origin)
        _prove(bench, version, manifest)
        outcome = bench.promotion.judge(bench.policy, version, manifest, lambda champion: beside(champion)[1])
    return TrainingSummary(
        model=model,
        version=version,
        artifact_digest=manifest.artifact_digest,
        verdict=outcome.verdict,
        reason=outcome.reason,
        metrics={scorer: measured.overall for scorer, measured in evaluation.scorers().items()},
    )


def _prove(bench: Workbench, version: str, manifest: Manifest) -> None:
    try:
        files = bench.versions.open(bench.model, version)
        prove(files, load_predictor(files))
        load_small(files)
    except ArtifactInvalid as error:
        bench.promotion.refuse(bench.policy, version, manifest, error)
        raise
