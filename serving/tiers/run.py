"""One stage as a tier: features and scores in a thread within a deadline, or at once where that is sure to be short."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from lifecycle.errors import InvalidInput, Unavailable
from serving.answer import MODEL_TIER
from serving.batching import Batch, Release, nothing, tell
from serving.outputs.behind import try_behind
from serving.predicted import reason_of
from serving.prepared import Prepared, microseconds, prepare_blind
from serving.rollout.attempt import Attempted, sorted_out
from serving.rollout.workers import Job, Workers
from serving.stage import Stage
from serving.tiers.answering import Scoring, answer
from serving.tiers.at_once import AtOnce
from serving.tiers.breakers import TierBreakers
from serving.tiers.tier import Failed, Stopped, Tier, UnderWay
from serving.tiers.trying import MS_PER_SECOND, Result, Trying

OUTPUTS = "outputs"
"""What the reason of an attempt begins with that was not made because the version's answers are stopped."""
NOT_ASKED = "not asked"


class TierRun:
    """Runs micro-batches of one stage in its `workers`; what fails or misses the deadline is answered `instead`.

    The version has `deadline_seconds` to score, and its features have as long to be read before that, all within the
    request's own deadline. With `reads_again` the next tier has more time for the features, and reads them itself when
    they are late here. While the stage's guard has stopped its answers, `rule` answers where there is one. `retried` is
    told of each ask that is tried by itself.
    """

    def __init__(
        self,
        stage: Stage,
        workers: Workers,
        *,
        deadline_seconds: float,
        budget_seconds: float,
        instead: Tier,
        breakers: TierBreakers,
        tier: str = MODEL_TIER,
        rule: Tier | None = None,
        reads_again: bool = False,
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
        self._reads_again = reads_again
        self._retried = retried
        self._at_once = AtOnce(stage)

    def __call__(self, batch: Batch, release: Release) -> None:
        """Take a batch from its queue; `release` is called as soon as the thread is free for the next one."""
        submitted = min(ask.submitted for ask, _ in batch)
        self._take(UnderWay(batch, submitted + self._budget_seconds), release)

    def take(self, under_way: UnderWay, release: Release = nothing) -> None:
        """Take a batch that another tier could not answer, or not whole."""
        self._take(under_way, release)

    def _take(self, under_way: UnderWay, release: Release) -> None:
        stage, guard = self._stage, self._stage.guard
        if under_way.blind or under_way.due <= stage.monotonic():
            self._pass_by(under_way, release)
            return
        if guard is not None and not guard.closed:
            stopped = replace(under_way, stopped=Stopped(stage, guard))
            if self._rule is not None:
                release()
                self._rule.take(stopped)
                return
            # The features are read all the same, so that the version can be tried behind the answer.
            under_way = stopped
        unread = None if under_way.prepared is not None else self._breakers.refuse_features()
        if unread is not None:
            self._pass_by(replace(under_way, blind=unread).without_stop_of(stage), release)
            return
        unasked = None if under_way.without_stop_of(stage) is not under_way else self._breakers.refuse_version()
        if unasked is not None:
            self._breakers.features.nothing_learned()
            self._pass_by(under_way.after_failing(stage, f"{NOT_ASKED}: {unasked}"), release)
            return
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
        trying = Trying(stage, under_way, self._deadline_seconds, release, under_way.prepared)
        if under_way.prepared is not None:
            trying.read_at = stage.monotonic()
        result = self._at_once.result_of(trying)
        if result is not None:
            self._finish(trying, result)
            return
        loop = asyncio.get_running_loop()
        trying.job = Job(partial(trying.in_thread, loop, self._finish), reading=trying.prepared is None)
        try:
            taken = self._workers.submit(trying.job)
        except RuntimeError as error:
            self._give_up(trying, reason_of(error))
            return
        if taken:
            trying.timer = loop.call_later(trying.left_seconds(), self._expire, trying, trying.job)
        elif self._workers.stuck_reading():
            self._unread(trying, "all threads still wait for the features of earlier requests")
        else:
            self._give_up(trying, f"all threads of version {stage.version} are past the deadline")

    def _expire(self, trying: Trying, job: Job) -> None:
        if trying.over or trying.in_time:
            return
        left = trying.left_seconds()
        if trying.read_at is not None and left > 0:
            # The features took a part of the time that has passed.
            trying.timer = asyncio.get_running_loop().call_later(left, self._expire, trying, job)
            return
        job.abandon()
        if trying.prepared is None:
            self._unread(trying, f"the features were not read within {trying.seconds * MS_PER_SECOND:g} ms")
        elif trying.asked_seconds() < trying.seconds:
            self._out_of_time(trying, trying.prepared)
        else:
            self._give_up(trying, trying.late())

    def _finish(self, trying: Trying, result: Result) -> None:
        if trying.over:
            return
        if isinstance(result, Exception) or trying.prepared is None:
            self._broken(trying, result)
            return
        trying.close()
        try:
            self._settle(trying, trying.prepared, result)
        finally:
            # Only now, so that answers leave before the next batch keeps the event loop busy.
            trying.release()

    def _settle(self, trying: Trying, prepared: Prepared, result: Sequence[Attempted]) -> None:
        if trying.recalled:
            self._breakers.features.nothing_learned()
        elif trying.under_way.prepared is None:
            self._breakers.read(worked=True)
        if trying.only_reads:
            self._behind(trying, prepared)
            return
        if not trying.in_time:
            result = [Attempted(None, trying.late())] * len(trying.under_way.batch)
        self._sort(trying, prepared, result)

    def _behind(self, trying: Trying, prepared: Prepared) -> None:
        """Let others answer for a stopped version, and the version be tried behind them."""
        stopped = trying.under_way.stopped
        under_way = replace(trying.under_way, prepared=prepared, stopped=None)
        reason = OUTPUTS
        if stopped is not None:
            try_behind(stopped.stage, stopped.guard, prepared)
            reason = f"{OUTPUTS}: {stopped.guard.trouble() or ''}"
        self._hand_on(under_way.after_failing(self._stage, reason))

    def _sort(self, trying: Trying, prepared: Prepared, result: Sequence[Attempted]) -> None:
        """Answer what was scored, refuse what nobody could, and hand on the rest."""
        under_way, asked_us = replace(trying.under_way, prepared=prepared), microseconds(trying.asked_seconds())
        good, odd, bad = sorted_out(result)
        if len(result) > 1 and len(good) < len(result):
            for _ in result:
                self._retried()
        self._breakers.scored([result[number].reason for number in bad], answered=bool(good))
        if good:
            some = under_way.of(good)
            scores = np.concatenate([one.scores for one in result if one.scores is not None])
            answer(Scoring(self._stage, self._tier, scores, asked_us), some, some.prepared or prepared)
        for number in odd:
            tell([under_way.batch[number]], InvalidInput(result[number].reason))
        if bad:
            reasons = [result[number].reason for number in bad]
            some = under_way.of(bad)
            self._hand_on(replace(some, failed=(*some.failed, Failed(self._stage, reasons, asked_us))))

    def _broken(self, trying: Trying, error: Result) -> None:
        """Answer a batch that could not be prepared."""
        if isinstance(error, Unavailable):
            self._without_features(trying, str(error))
            return
        trying.end()
        self._breakers.nothing_learned()
        batch = trying.under_way.batch
        if len(batch) == 1:
            tell(batch, error if isinstance(error, Exception) else RuntimeError("nothing was prepared"))
            return
        # One odd request must not take down those it arrived with.
        for number in range(len(batch)):
            self._retried()
            self.take(trying.under_way.of([number]))

    def _unread(self, trying: Trying, reason: str) -> None:
        """Go on when the features are late: with the next tier's patience, where it has more."""
        if not self._reads_again:
            self._without_features(trying, reason)
            return
        trying.end()
        self._breakers.nothing_learned()
        self._hand_on(trying.under_way.without_stop_of(self._stage))

    def _out_of_time(self, trying: Trying, prepared: Prepared) -> None:
        """Go on when the request's own time is up: the version had less than its own."""
        trying.end()
        self._breakers.nothing_learned()
        self._hand_on(replace(trying.under_way, prepared=prepared).without_stop_of(self._stage))

    def _without_features(self, trying: Trying, reason: str) -> None:
        """Go on without features: that is no version's failure."""
        trying.end()
        self._breakers.read(worked=False, reason=reason)
        self._breakers.scored((), answered=False)
        self._hand_on(replace(trying.under_way, blind=reason).without_stop_of(self._stage))

    def _give_up(self, trying: Trying, reason: str) -> None:
        """Let others answer for a version that does not, in time or at all."""
        trying.end()
        if trying.under_way.prepared is None and trying.prepared is not None:
            self._breakers.read(worked=True)
        else:
            self._breakers.features.nothing_learned()
        if not trying.only_reads:
            self._breakers.scored([reason], answered=False)
        under_way = replace(trying.under_way, prepared=trying.prepared)
        self._hand_on(under_way.after_failing(self._stage, reason, microseconds(trying.asked_seconds())))
