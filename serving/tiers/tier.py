"""A micro-batch on its way from one tier to the next."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from serving.batching import Batch
from serving.outputs.guard import Guard
from serving.prepared import Prepared
from serving.stage import Stage


@dataclass(frozen=True, slots=True)
class Failed:
    """Attempts of one stage at some asks, which have no scores of it: why, ask by ask, and how long it was asked.

    `prepared` is what it was asked, None when that is what is asked of whoever answers in the end.
    """

    stage: Stage
    reasons: Sequence[str]
    predict_us: int
    prepared: Prepared | None = None

    def of(self, numbers: Sequence[int]) -> "Failed":
        """Return the same for some of the asks, by their numbers."""
        prepared = None if self.prepared is None else self.prepared.of(numbers)
        return replace(self, reasons=[self.reasons[number] for number in numbers], prepared=prepared)


@dataclass(frozen=True, slots=True)
class Stopped:
    """A version whose answers are stopped by its guard: the rule stands in for it, and it is tried behind."""

    stage: Stage
    guard: Guard


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A micro-batch that nobody has answered yet.

    `due` is when its first request is to be answered, in monotonic seconds. `prepared` is None before its features
    are read. `blind` says why they cannot be, "" while nobody knows that. `failed` are the attempts so far.
    """

    batch: Batch
    due: float
    prepared: Prepared | None = None
    blind: str = ""
    failed: tuple[Failed, ...] = field(default=())
    stopped: Stopped | None = None

    def without_stop_of(self, stage: Stage) -> "UnderWay":
        """Return the same without the word that this very stage is stopped."""
        mine = self.stopped is not None and self.stopped.stage is stage
        return replace(self, stopped=None) if mine else self

    def after_failing(self, stage: Stage, reason: str, predict_us: int = 0) -> "UnderWay":
        """Return the same after a stage failed at all of its asks."""
        failed = Failed(stage, [reason] * len(self.batch), predict_us)
        return replace(self, failed=(*self.failed, failed))

    def of(self, numbers: Sequence[int]) -> "UnderWay":
        """Return the same for some of its asks, by their numbers in order."""
        if len(numbers) == len(self.batch):
            return self
        return replace(
            self,
            batch=[self.batch[number] for number in numbers],
            prepared=None if self.prepared is None else self.prepared.of(numbers),
            failed=tuple(one.of(numbers) for one in self.failed),
        )


class Tier(Protocol):
    """Answers micro-batches, or hands them on."""

    def take(self, under_way: UnderWay) -> None:
        """Settle every future of the batch, now or later; does not raise."""
        ...
