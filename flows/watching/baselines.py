"""What a version is held against: its own baseline, or one drawn for a version that brought none."""

from datetime import datetime

import structlog
from pydantic import ValidationError
from sqlalchemy import Engine

from feature_repo.definition import load_definition
from feature_repo.feast_store import open_feature_store
from flows.training.evaluate import measure_rows
from flows.training.package import METRICS, draw_profile
from flows.training.rows import gather_rows
from flows.training.window import choose_window, require_reach
from lifecycle.errors import ArtifactInvalid
from lifecycle.evaluation import Evaluation, Metrics
from lifecycle.profile import Profile
from stores.baselines import own_baseline
from stores.events import EventStore
from stores.ledger.baselines import Baseline, Baselines
from stores.ledger.pins import Pins
from stores.ledger.progress import Progress
from stores.policies import load_policy
from stores.predictor import load_predictor
from stores.registry import Registry
from stores.settings import Settings
from stores.versions import VersionFiles, Versions

OWN, DRAWN = "version", "drawn"
log = structlog.get_logger()


def baseline_of(model: str, version: str, *, config: Settings, engine: Engine, now: datetime) -> Baseline:
    """Return the baseline of a version, kept in the ledger for good once it is found or drawn.

    A version that brought none, or one that cannot be read, is held against the policy's training window up to `now`,
    as it scores that. Where it has learned from these rows itself, its scores here are surer than any it gives later.
    Raises what opening the version raises, and, where one must be drawn, EvidenceMissing while there is too little to
    draw it from, DataRejected, and NotFound as a training does.
    """
    kept = Baselines(engine)
    standing = kept.get(model, version)
    if standing is not None:
        return standing
    files = Versions(config.versions, Registry(config.mlflow_address), Pins(engine)).open(model, version)
    profile = _own(files, version)
    if profile is not None:
        return kept.keep(Baseline(model, version, profile, _own_metrics(files), OWN, now))
    profile, metrics = _drawn(model, files, config, engine, now)
    log.info("baseline_drawn", model=model, version=version, rows=profile.rows, score_rows=profile.score_rows)
    return kept.keep(Baseline(model, version, profile, metrics, DRAWN, now))


def _own(files: VersionFiles, version: str) -> Profile | None:
    try:
        return own_baseline(files)
    except ArtifactInvalid as error:
        log.warning("own_baseline_unread", model=files.manifest.model, version=version, error=str(error))
        return None


def _own_metrics(files: VersionFiles) -> Metrics | None:
    if METRICS not in files.manifest.files:
        return None
    try:
        return Evaluation.model_validate_json((files.folder / METRICS).read_bytes()).candidate.overall
    except (OSError, ValidationError) as error:
        log.warning(
            "own_metrics_unread", model=files.manifest.model, file=str(files.folder / METRICS), error=str(error)
        )
        return None


def _drawn(model: str, files: VersionFiles, config: Settings, engine: Engine, now: datetime) -> tuple[Profile, Metrics]:
    definition, policy, progress = load_definition(model), load_policy(config.policies, model), Progress(engine)
    window = choose_window(policy.training, now)
    reached = {flow: progress.watermark(f"{flow}:{model}") for flow in ("ingest", "materialize")}
    require_reach(model, reached, window, definition.source_range[1])
    store = open_feature_store(definition, config.features, config.online_store)
    rows = gather_rows(definition, store, EventStore(config.events), policy.training, window)
    scores = load_predictor(files).score(rows.judge.matrix)
    return draw_profile(definition, rows, scores), measure_rows(rows.judge.labels, scores, policy)
