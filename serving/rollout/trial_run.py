"""One micro-batch in an arm that is not trusted: tried in a thread with a deadline, answered in any case."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from serving.batching import Batch, fail, settle, tell
from serving.outputs.guard import Guard
from serving.outputs.standing_in import answer_by_rule, try_behind
from serving.predicted import reason_of
from serving.prepared import Prepared, microseconds, prepare
from serving.recording import answers, for_log, scored_rows
from serving.rollout.attempt import Attempted, attempt
from serving.rollout.instead import Instead
from serving.rollout.workers import Job, Workers
from serving.stage import Stage

OUTPUTS = "outputs"
"""What the reason of an attempt begins with that was not made because the version's answers are stopped."""


@dataclass(eq=False)
class _Trying:
    """An attempt under way; `ended_at` is when the thread had its result, in monotonic seconds."""

    batch: Batch
    prepared: Prepared
    handed_at: float
    ended_at: float | None = None
    over: bool = False
    timer: asyncio.TimerHandle | None = field(default=None)


class TrialRun:
    """Runs micro-batches of one stage in its `workers`; what fails or misses the deadline is answered `instead`.

    Features are read on the event loop as for every version. The deadline begins at the hand-over to a thread.
    """

    def __init__(self, stage: Stage, workers: Workers, deadline_seconds: float, instead: Instead) -> None:
        self._stage = stage
        self._workers = workers
        self._deadline_seconds = deadline_seconds
        self._instead = instead

    def __call__(self, batch: Batch) -> None:
        """Take a batch; every future is settled by the deadline or as soon as the event loop has its turn after it."""
        stage = self._stage
        try:
            prepared = prepare(stage, [ask for ask, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever went wrong must reach the callers that wait
            fail(batch, error, self)
            return
        if stage.guard is not None and not stage.guard.closed:
            self._stopped(batch, prepared, stage.guard)
            return
        loop = asyncio.get_running_loop()
        trying = _Trying(batch, prepared, stage.monotonic())
        job = Job(partial(self._try, trying, loop))
        try:
            taken = self._workers.submit(job)
        except RuntimeError as error:
            self._give_up(trying, reason_of(error))
            return
        if not taken:
            self._give_up(trying, f"all threads of version {stage.version} are past the deadline")
            return
        trying.timer = loop.call_later(self._deadline_seconds, self._expire, trying, job)

    def _try(self, trying: _Trying, loop: asyncio.AbstractEventLoop) -> None:
        """Run in a thread: score, and hand the result back."""
        stage, prepared = self._stage, trying.prepared
        sizes = [len(ask.rows) for ask in prepared.asks]
        attempted = attempt(stage.version, stage.predictor, prepared.matrix, sizes)
        trying.ended_at = stage.monotonic()
        # A loop that is closed by now has nobody left who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._finish, trying, attempted)

    def _expire(self, trying: _Trying, job: Job) -> None:
        if trying.over or self._in_time(trying):
            return
        job.abandon()
        self._give_up(trying, self._late())

    def _finish(self, trying: _Trying, attempted: Sequence[Attempted]) -> None:
        if trying.over:
            return
        trying.over = True
        if trying.timer is not None:
            trying.timer.cancel()
        predict_us = self._since(trying)
        if not self._in_time(trying):
            attempted = [Attempted(None, self._late())] * len(trying.batch)
        good = [number for number, one in enumerate(attempted) if one.scores is not None]
        bad = [number for number, one in enumerate(attempted) if one.scores is None]
        if good:
            self._answer([trying.batch[n] for n in good], trying.prepared.of(good), attempted, predict_us)
        if bad:
            some = [trying.batch[number] for number in bad]
            self._instead.answer(some, trying.prepared.of(bad), [attempted[n] for n in bad], predict_us)

    def _answer(self, batch: Batch, prepared: Prepared, attempted: Sequence[Attempted], predict_us: int) -> None:
        stage = self._stage
        try:
            scores = np.concatenate([one.scores for one in attempted if one.scores is not None])
            scored = scored_rows(stage, prepared, scores, predict_us)
            rows = stage.batches.build(scored)
            given = list(answers(stage, prepared, scored))
            logged = for_log(stage, rows)
            stage.log.append(logged)
        except Exception as error:  # noqa: BLE001 - as above
            tell(batch, error)
            return
        if stage.mirror is not None:
            stage.mirror.offer(rows)
        if stage.guard is not None:
            stage.guard.watch(prepared.example_ids, scores, logged)
        settle(batch, given)

    def _stopped(self, batch: Batch, prepared: Prepared, guard: Guard) -> None:
        """Answer while the version's answers are stopped: by the rule where it stands in, else as for a failure."""
        stage = self._stage
        if stage.rule is None:
            try_behind(stage, guard, prepared)
            self._give_up(_Trying(batch, prepared, stage.monotonic()), f"{OUTPUTS}: {guard.trouble() or ''}")
            return
        try:
            given = answer_by_rule(stage, guard, stage.rule, prepared)
        except Exception as error:  # noqa: BLE001 - as above
            fail(batch, error, self)
        else:
            settle(batch, given)

    def _give_up(self, trying: _Trying, reason: str) -> None:
        trying.over = True
        attempted = [Attempted(None, reason)] * len(trying.batch)
        self._instead.answer(trying.batch, trying.prepared, attempted, self._since(trying))

    def _in_time(self, trying: _Trying) -> bool:
        return trying.ended_at is not None and trying.ended_at - trying.handed_at <= self._deadline_seconds

    def _since(self, trying: _Trying) -> int:
        return microseconds(self._stage.monotonic() - trying.handed_at)

    def _late(self) -> str:
        return f"no answer within {self._deadline_seconds * 1000:g} ms"
