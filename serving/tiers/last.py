"""The ends of the way: an answer that needs nothing, or, for a version asked for by name, the truth."""

from dataclasses import dataclass

import numpy as np

from lifecycle.errors import Unavailable
from serving.batching import tell
from serving.predicted import VersionFailed
from serving.prepared import Prepared, microseconds, prepare_blind
from serving.recording import failed_rows
from serving.stage import Stage
from serving.tiers.answering import Scoring, answer, with_failed
from serving.tiers.tier import UnderWay

STATIC = "static"
NO_TIME = "the request waited for as long as it may take; try again when fewer are waiting"


@dataclass(frozen=True)
class StaticTier:
    """Answers with one score, by features where they are there and without them where not."""

    stage: Stage
    score: float

    def take(self, under_way: UnderWay) -> None:
        """Settle a batch."""
        stage = self.stage
        began = stage.monotonic()
        try:
            prepared = under_way.prepared or prepare_blind(stage, [ask for ask, _ in under_way.batch])
        except Exception as error:  # noqa: BLE001 - whatever went wrong must reach the callers that wait
            tell(under_way.batch, error)
            return
        scores = np.full(len(prepared.matrix), self.score)
        answer(Scoring(stage, STATIC, scores, microseconds(stage.monotonic() - began)), under_way, prepared)


@dataclass(frozen=True)
class HonestFailure:
    """Nobody stands in for a version that was asked for by its name: its failure is logged, and told."""

    def take(self, under_way: UnderWay) -> None:
        """Settle a batch, each ask by its own reason."""
        if under_way.prepared is None or not under_way.failed:
            reasons = [under_way.blind, *(one.reasons[0] for one in under_way.failed), NO_TIME]
            tell(under_way.batch, Unavailable(next(reason for reason in reasons if reason)))
            return
        for number in range(len(under_way.batch)):
            one = under_way.of([number])
            self._tell(one, one.prepared or under_way.prepared)

    def _tell(self, one: UnderWay, prepared: Prepared) -> None:
        last = one.failed[-1]
        reason = last.reasons[0]
        try:
            errors = [reason] * len(prepared.matrix)
            shown = failed_rows(last.stage, prepared, errors, None, last.predict_us)
            before = UnderWay(one.batch, one.due, failed=one.failed[:-1])
            last.stage.log.append(with_failed(shown, prepared, before))
        except Exception as error:  # noqa: BLE001 - as above
            tell(one.batch, error)
        else:
            tell(one.batch, VersionFailed(last.stage.version, reason))
