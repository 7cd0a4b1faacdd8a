"""A version whose answers are stopped is tried again behind the answers that stand in for them."""

import asyncio
from contextlib import suppress

from lifecycle.errors import InvalidInput
from serving.outputs.guard import Guard
from serving.predicted import VersionFailed, predicted
from serving.prepared import Prepared
from serving.rollout.workers import Job, Workers
from serving.stage import Stage


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
