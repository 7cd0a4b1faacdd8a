"""One micro-batch through one version: features, probabilities, decisions, the log, then the answers."""

from collections.abc import Sequence

from serving.answer import Answer, Ask
from serving.at_work import predicted_at_work
from serving.isolation.lost import is_lost
from serving.outputs.standing_in import answer_by_rule, answer_for_lost
from serving.predicted import VersionFailed
from serving.prepared import microseconds, prepare
from serving.recording import answers, log_failed, scored_rows
from serving.stage import Stage


def score(stage: Stage, asks: Sequence[Ask]) -> list[Answer]:
    """Return the answers of a micro-batch, in order, once all of its rows are in the log.

    Raises Unavailable when the features or the log are out of reach: nothing is answered then, and nothing held
    against the version. Raises VersionFailed when the version cannot score; a single ask is then logged as failed,
    several are not, because each is tried by itself before it counts. While the version's answers are stopped, the
    model's rule answers, and none of this happens. It also answers while the process of an isolated version is lost.
    """
    prepared = prepare(stage, asks)
    guard = stage.guard
    if guard is not None and not guard.closed and stage.rule is not None:
        return answer_by_rule(stage, guard, stage.rule, prepared)
    began = stage.monotonic()
    try:
        scores = predicted_at_work(stage, prepared)
    except VersionFailed as error:
        if stage.rule is not None and is_lost(error):
            took = microseconds(stage.monotonic() - began)
            return answer_for_lost(stage, stage.rule, prepared, error.reason, took)
        if len(asks) == 1:
            log_failed(stage, prepared, error.reason, stage.monotonic() - began)
        raise
    scored = scored_rows(stage, prepared, scores, microseconds(stage.monotonic() - began))
    batch = stage.batches.build(scored)
    stage.log.append(batch)
    if stage.mirror is not None:
        stage.mirror.offer(batch)
    if guard is not None:
        guard.watch(prepared.example_ids, scores, batch)
    return list(answers(stage, prepared, scored))
