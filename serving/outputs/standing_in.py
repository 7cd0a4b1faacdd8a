"""The rule answers in a version's place, and the version is tried again behind it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa

from lifecycle.errors import InvalidInput
from serving.answer import Answer
from serving.log_batch import Scored
from serving.outputs.guard import Guard
from serving.outputs.rule import TIER, Rule
from serving.predicted import VersionFailed, predicted
from serving.prepared import Prepared, microseconds
from serving.recording import answers, failed_rows, scored_rows
from serving.rollout.workers import Job, Workers
from serving.stage import Stage


@dataclass(frozen=True)
class RuleRows:
    """A micro-batch as the rule answers it: its rows, and the same for the log."""

    scored: Scored
    batch: pa.RecordBatch


def by_rule(stage: Stage, rule: Rule, prepared: Prepared) -> RuleRows:
    """Return a micro-batch as the rule answers it, decided by the policy as any score is."""
    began = stage.monotonic()
    scores = rule.scores(prepared.matrix)
    scored = scored_rows(stage, prepared, scores, microseconds(stage.monotonic() - began))
    return RuleRows(scored, rule.batches.build(scored))


def answer_by_rule(stage: Stage, guard: Guard, rule: Rule, prepared: Prepared) -> list[Answer]:
    """Return the rule's answers once they are in the log; raises Unavailable when the log is out of reach.

    Nothing of it is shown to a shadow: its pairs are with the champion's own answers.
    """
    rows = by_rule(stage, rule, prepared)
    stage.log.append(rows.batch)
    guard.stood_in(rows.batch)
    try_behind(stage, guard, prepared)
    return list(answers(stage, prepared, rows.scored, tier=TIER))


def answer_for_lost(stage: Stage, rule: Rule, prepared: Prepared, reason: str, predict_us: int) -> list[Answer]:
    """Return the rule's answers for a version whose process is lost, once they and its failures are in the log.

    The failures are paired with the answers that were shown instead. Raises Unavailable as above.
    """
    rows = by_rule(stage, rule, prepared)
    pairs = rows.batch["prediction_id"].to_pylist()
    failed = failed_rows(stage, prepared, [reason] * len(prepared.matrix), pairs, predict_us)
    stage.log.append(pa.concat_batches([rows.batch, failed]))
    return list(answers(stage, prepared, rows.scored, tier=TIER))


def try_behind(stage: Stage, guard: Guard, prepared: Prepared) -> None:
    """Have the version score the rows in a thread of its own, when its guard wants to see how it does."""
    workers = stage.workers
    if workers is None or not guard.wants_trial():
        return
    loop = asyncio.get_running_loop()
    job = Job(lambda: _try(stage, guard, prepared, loop))
    if not _submitted(workers, job):
        guard.tried((), None, "its threads do not come back")


def _submitted(workers: Workers, job: Job) -> bool:
    try:
        return workers.submit(job)
    except RuntimeError:
        return False


def _try(stage: Stage, guard: Guard, prepared: Prepared, loop: asyncio.AbstractEventLoop) -> None:
    scores, failure = None, ""
    try:
        scores = predicted(stage.version, stage.predictor, prepared.matrix)
    except VersionFailed as error:
        failure = error.reason
    except InvalidInput:
        # No version could score these rows.
        failure = ""
    # A loop that is closed by now has nobody left who is answered.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(guard.tried, prepared.example_ids, scores, failure)
