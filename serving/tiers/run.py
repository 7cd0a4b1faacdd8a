"""One stage as a tier: its features are read and its scores computed in a thread, within a deadline."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from lifecycle.errors import InvalidInput, Unavailable
from lifecycle.tiers_policy import BreakerPolicy
from serving.answer import MODEL_TIER
from serving.at_work import seen_at_work
from serving.batching import Batch, Release, nothing, tell
from serving.outputs.behind import try_behind
from serving.predicted import reason_of
from serving.prepared import Prepared, microseconds, prepare, prepare_blind
from serving.rollout.attempt import Attempted, attempt
from serving.rollout.workers import Job, Workers
from serving.stage import Stage
from serving.tiers.answering import Scoring, answer
from serving.tiers.breakers import FailureBreaker
from serving.tiers.tier import Failed, Stopped, Tier, UnderWay

OUTPUTS = "outputs"
"""What the reason of an attempt begins with that was not made because the version's answers are stopped."""
NOT_ASKED = "not asked"
MS_PER_SECOND = 1000


@dataclass(frozen=True)
class Breakers:
    """The breakers of a tier: of its features, and of its version, None for one that is asked whatever happens."""

    policy: BreakerPolicy
    features: FailureBreaker
    version: FailureBreaker | None = None


@dataclass(eq=False)
class _Trying:
    """An attempt under way; `ended_at` is when the thread had its result, in monotonic seconds.

    `prepared` is set by the thread as soon as the features are read.
    """

    under_way: UnderWay
    handed_at: float
    seconds: float
    release: Release
    prepared: Prepared | None = None
    ended_at: float | None = None
    over: bool = False
    timer: asyncio.TimerHandle | None = field(default=None)
    job: Job | None = None


class TierRun:
    """Runs micro-batches of one stage in its `workers`; what fails or misses the deadline is answered `instead`.

    The deadline begins at the hand-over to a thread and ends with the request's own, whichever comes first. While the
    stage's guard has stopped its answers, `rule` answers where there is one. `retried` is told of each ask that is
    tried by itself.
    """

    def __init__(
        self,
        stage: Stage,
        workers: Workers,
        *,
        deadline_seconds: float,
        budget_seconds: float,
        instead: Tier,
        breakers: Breakers,
        tier: str = MODEL_TIER,
        rule: Tier | None = None,
        retried: Callable[[], None] = lambda: None,
    ) -> None:
        self._stage = stage
        self._workers = workers
        self._deadline_seconds = deadline_seconds
        self._budget_seconds = budget_seconds
        self._instead = instead
        self._breakers = breakers
        self._tier = tier
        self._rule = rule
        self._retried = retried

    def __call__(self, batch: Batch, release: Release) -> None:
        """Take a batch from its queue; `release` is called as soon as the thread is free for the next one."""
        submitted = min(ask.submitted for ask, _ in batch)
        self._take(UnderWay(batch, submitted + self._budget_seconds), release)

    def take(self, under_way: UnderWay) -> None:
        """Take a batch that another tier could not answer."""
        self._take(under_way, nothing)

    def _take(self, under_way: UnderWay, release: Release) -> None:
        stage = self._stage
        if under_way.blind:
            self._pass_by(under_way, release)
            return
        guard = stage.guard
        if guard is not None and not guard.closed:
            stopped = Stopped(stage, guard)
            if self._rule is not None:
                release()
                self._rule.take(replace(under_way, stopped=stopped))
            else:
                # The features are read all the same, so that the version can be tried behind the answer.
                self._hand_over(replace(under_way, stopped=stopped), release)
            return
        now = stage.monotonic()
        if under_way.due <= now:
            self._pass_by(under_way, release)
        elif under_way.prepared is None and not self._breakers.features.allows(self._breakers.policy):
            self._pass_by(replace(under_way, blind=self._breakers.features.trouble() or ""), release)
        elif self._breakers.version is not None and not self._breakers.version.allows(self._breakers.policy):
            self._breakers.features.nothing_learned()
            why = f"{NOT_ASKED}: {self._breakers.version.trouble()}"
            self._pass_by(_with(under_way, stage, why), release)
        else:
            self._hand_over(under_way, release)

    def _pass_by(self, under_way: UnderWay, release: Release) -> None:
        release()
        self._hand_on(under_way)

    def _hand_on(self, under_way: UnderWay) -> None:
        """Let the next tier answer, which is asked in its own contract where a version on trial has another."""
        if any(ask.instead is not None for ask, _ in under_way.batch):
            mine = under_way.prepared or prepare_blind(self._stage, [ask for ask, _ in under_way.batch])
            under_way = replace(
                under_way,
                batch=[(ask.instead or ask, future) for ask, future in under_way.batch],
                prepared=None,
                failed=tuple(replace(one, prepared=one.prepared or mine) for one in under_way.failed),
            )
        self._instead.take(under_way)

    def _hand_over(self, under_way: UnderWay, release: Release) -> None:
        stage = self._stage
        now = stage.monotonic()
        seconds = min(self._deadline_seconds, max(under_way.due - now, 0.0))
        trying = _Trying(under_way, now, seconds, release, under_way.prepared)
        loop = asyncio.get_running_loop()
        job = Job(partial(self._try, trying, loop), reading=trying.prepared is None)
        trying.job = job
        try:
            taken = self._workers.submit(job)
        except RuntimeError as error:
            self._give_up(trying, reason_of(error))
            return
        if not taken and self._workers.stuck_reading():
            self._without_features(trying, "all threads still wait for the features of earlier requests")
            return
        if not taken:
            self._give_up(trying, f"all threads of version {stage.version} are past the deadline")
            return
        trying.timer = loop.call_later(seconds, self._expire, trying, job)

    def _try(self, trying: _Trying, loop: asyncio.AbstractEventLoop) -> None:
        """Run in a thread: read the features, score, and hand the result back."""
        stage = self._stage
        result: Sequence[Attempted] | Exception
        try:
            prepared = trying.prepared or prepare(stage, [ask for ask, _ in trying.under_way.batch])
            trying.prepared = prepared
            if trying.job is not None:
                trying.job.reading = False
            if not self._is_stopped(trying):
                sizes = [len(ask.rows) for ask in prepared.asks]
                with seen_at_work(stage, prepared):
                    result = attempt(stage.version, stage.predictor, prepared.matrix, sizes)
            else:
                result = []
        except Exception as error:  # noqa: BLE001 - whatever went wrong must reach the callers that wait
            result = error
        trying.ended_at = stage.monotonic()
        # A loop that is closed by now has nobody left who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._finish, trying, result)

    def _expire(self, trying: _Trying, job: Job) -> None:
        if trying.over or self._in_time(trying):
            return
        job.abandon()
        if trying.prepared is None:
            self._without_features(trying, f"the features were not read within {trying.seconds * MS_PER_SECOND:.0f} ms")
        else:
            self._give_up(trying, self._late(trying))

    def _finish(self, trying: _Trying, result: Sequence[Attempted] | Exception) -> None:
        if trying.over:
            return
        if isinstance(result, Exception):
            self._broken(trying, result)
            return
        prepared = trying.prepared
        if prepared is None:
            raise AssertionError("a thread that ends well has read the features")
        stopped = trying.under_way.stopped
        if stopped is not None and self._is_stopped(trying):
            try_behind(stopped.stage, stopped.guard, prepared)
            self._end(trying)
            under_way = replace(trying.under_way, prepared=prepared, stopped=None)
            self._hand_on(_with(under_way, self._stage, f"{OUTPUTS}: {stopped.guard.trouble() or ''}"))
            return
        predict_us = self._since(trying, prepared)
        self._end(trying)
        self._breakers.features.worked()
        if not self._in_time(trying):
            result = [Attempted(None, self._late(trying))] * len(trying.under_way.batch)
        self._sort(trying, prepared, result, predict_us)

    def _sort(self, trying: _Trying, prepared: Prepared, result: Sequence[Attempted], predict_us: int) -> None:
        under_way = replace(trying.under_way, prepared=prepared)
        good = [number for number, one in enumerate(result) if one.scores is not None]
        odd = [number for number, one in enumerate(result) if one.unscorable]
        bad = [number for number, one in enumerate(result) if one.scores is None and not one.unscorable]
        if len(result) > 1 and len(good) < len(result):
            for _ in result:
                self._retried()
        self._judge([result[number].reason for number in bad], answered=bool(good))
        if good:
            some = under_way.of(good)
            scores = np.concatenate([one.scores for one in result if one.scores is not None])
            answer(Scoring(self._stage, self._tier, scores, predict_us), some, some.prepared or prepared)
        for number in odd:
            tell([under_way.batch[number]], InvalidInput(result[number].reason))
        if bad:
            reasons = [result[number].reason for number in bad]
            some = under_way.of(bad)
            self._hand_on(replace(some, failed=(*some.failed, Failed(self._stage, reasons, predict_us))))

    def _judge(self, reasons: Sequence[str], *, answered: bool) -> None:
        breaker = self._breakers.version
        if breaker is None:
            return
        if answered:
            breaker.worked()
        elif reasons:
            breaker.failed(reasons[0], self._breakers.policy)
        else:
            breaker.nothing_learned()

    def _broken(self, trying: _Trying, error: Exception) -> None:
        """Answer a batch whose features could not be read."""
        if isinstance(error, Unavailable):
            self._without_features(trying, str(error))
            return
        self._end(trying)
        if self._breakers.version is not None:
            self._breakers.version.nothing_learned()
        batch = trying.under_way.batch
        if len(batch) == 1:
            tell(batch, error)
            return
        # One odd request must not take down those it arrived with.
        for number in range(len(batch)):
            self._retried()
            self.take(trying.under_way.of([number]))

    def _without_features(self, trying: _Trying, reason: str) -> None:
        """Go on without features: that is no version's failure."""
        self._breakers.features.failed(reason, self._breakers.policy)
        if self._breakers.version is not None:
            self._breakers.version.nothing_learned()
        self._end(trying)
        self._hand_on(replace(trying.under_way, blind=reason))

    def _give_up(self, trying: _Trying, reason: str) -> None:
        self._end(trying)
        under_way = replace(trying.under_way, prepared=trying.prepared)
        if not self._is_stopped(trying):
            self._judge([reason], answered=False)
        took_us = 0 if trying.prepared is None else self._since(trying, trying.prepared)
        self._hand_on(_with(under_way, self._stage, reason, took_us))

    def _end(self, trying: _Trying) -> None:
        trying.over = True
        if trying.timer is not None:
            trying.timer.cancel()
        trying.release()

    def _is_stopped(self, trying: _Trying) -> bool:
        """Return whether the batch is here only to have its features read for a stage that is not to answer."""
        stopped = trying.under_way.stopped
        return stopped is not None and stopped.stage is self._stage

    def _in_time(self, trying: _Trying) -> bool:
        return trying.ended_at is not None and trying.ended_at - trying.handed_at <= trying.seconds

    def _since(self, trying: _Trying, prepared: Prepared) -> int:
        """Return how long the version was asked, in microseconds: all but the reading of its features."""
        whole = microseconds((trying.ended_at or self._stage.monotonic()) - trying.handed_at)
        return whole if trying.under_way.prepared is not None else max(0, whole - prepared.features_us)

    def _late(self, trying: _Trying) -> str:
        return f"no answer within {trying.seconds * MS_PER_SECOND:g} ms"


def _with(under_way: UnderWay, stage: Stage, reason: str, took_us: int = 0) -> UnderWay:
    failed = Failed(stage, [reason] * len(under_way.batch), took_us)
    return replace(under_way, failed=(*under_way.failed, failed))
