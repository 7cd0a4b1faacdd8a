"""Versions of our own training that were registered and not judged, because the training was stopped in between."""

from datetime import datetime

import structlog

from flows.training.evaluate import evaluate
from flows.training.rivals import add_champion, score_simple_rivals
from flows.training.window import TrainingWindow
from flows.training.workbench import Workbench
from lifecycle.errors import ArtifactInvalid, DataRejected, EvidenceMissing, HoldfastError, NotFound
from lifecycle.evaluation import Evaluation
from lifecycle.manifest import Manifest
from lifecycle.stages import Stage
from stores.ledger.decisions import Decisions
from stores.ledger.standings import Standings
from stores.predictor import load_predictor, prove
from stores.registry import Listed
from stores.versions import VersionFiles

GATE, PENDING = "gate", "pending"
WINDOW = ("window_start_at", "window_split_at", "window_end_at", "labels_matured_at")
log = structlog.get_logger()


def judge_unjudged(bench: Workbench) -> tuple[str, ...]:
    """Judge every version of our own training that the offline gate has not judged, and return their names.

    Each is measured on the rows of the window it was trained for, beside today's champion. One that cannot be measured
    any more is rejected with the reason. Whoever calls this holds the lease `train:<model>`, so that no training of
    the model is under way. Raises Unavailable; the version waits for the next call then.
    """
    judged = []
    for one in bench.registry.listed(bench.model):
        # Without a window it is no version of ours, whatever it says of itself.
        if not one.ready or one.tags.get(GATE) != PENDING or any(name not in one.tags for name in WINDOW):
            continue
        if Decisions(bench.engine).actions(bench.model, one.version):
            _tell_judged(bench, one.version)
            continue
        _judge(bench, one)
        judged.append(one.version)
    return tuple(judged)


def _judge(bench: Workbench, one: Listed) -> None:
    log.info("judges_what_was_left", model=bench.model, version=one.version)
    manifest: Manifest | None = None
    try:
        files = bench.versions.open(bench.model, one.version)
        _require_as_registered(files, one)
        manifest = files.manifest
        _measure_and_judge(bench, one, files)
    except (ArtifactInvalid, DataRejected, EvidenceMissing, NotFound) as error:
        told = HoldfastError(f"its training was stopped before it was judged, and now it cannot be: {error}")
        bench.promotion.refuse(bench.policy, one.version, manifest, told)


def _measure_and_judge(bench: Workbench, one: Listed, files: VersionFiles) -> None:
    definition = bench.definition
    predictor = load_predictor(files)
    prove(files, predictor)
    if predictor.vector != definition.vector:
        raise ArtifactInvalid(f"version {one.version} was trained on other features than this code computes")
    rows = bench.gather(TrainingWindow(*(datetime.fromisoformat(one.tags[name]) for name in WINDOW)))
    scores, simple = predictor.score(rows.judge.matrix), score_simple_rivals(definition, rows.learn, rows.judge)

    def beside(champion: str | None) -> Evaluation:
        rivals = add_champion(simple, definition, bench.versions, champion, rows.judge)
        return evaluate(rows.judge, scores, rivals, bench.policy)

    bench.promotion.judge(bench.policy, one.version, files.manifest, beside)


def _require_as_registered(files: VersionFiles, one: Listed) -> None:
    said = one.tags.get("artifact_sha256")
    if files.manifest.artifact_digest != said:
        raise ArtifactInvalid(
            f"version {one.version} has digest {files.manifest.artifact_digest}, but {said} was registered"
        )


def _tell_judged(bench: Workbench, version: str) -> None:
    # Stopped between the decision and telling it: only the tag is behind.
    rejected = Standings(bench.engine).get(bench.model, version).stage is Stage.REJECTED
    bench.registry.set_tag(bench.model, version, GATE, "failed" if rejected else "passed")
