"""Who answers when a version on trial did not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from lifecycle.errors import InvalidInput
from serving.answer import Answer
from serving.at_work import predicted_at_work
from serving.batching import Batch, fail, settle, tell
from serving.isolation.lost import is_lost
from serving.outputs.rule import TIER, Rule
from serving.outputs.standing_in import by_rule
from serving.predicted import VersionFailed
from serving.prepared import Prepared, microseconds, spread
from serving.recording import answers, failed_rows, scored_rows
from serving.rollout.attempt import Attempted
from serving.stage import Stage


class Instead(Protocol):
    """Settles the asks that an attempt left without scores."""

    def answer(self, batch: Batch, prepared: Prepared, attempted: Sequence[Attempted], predict_us: int) -> None:
        """Settle a batch; `attempted` says why each ask has no scores, `predict_us` how long the attempt took."""
        ...


@dataclass(frozen=True)
class ChampionInstead:
    """The champion answers from the same features, and the attempt is logged beside its answer, in one append.

    While the champion's own answers are stopped, the rule answers for it here, too.
    """

    trial: Stage
    champion: Stage

    def answer(self, batch: Batch, prepared: Prepared, attempted: Sequence[Attempted], predict_us: int) -> None:
        """Settle a batch; where even the champion cannot score, both failures are logged and the caller is told."""
        try:
            given = self._answers(prepared, attempted, predict_us)
        except Exception as error:  # noqa: BLE001 - whatever went wrong must reach the callers that wait
            numbers = {id(future): number for number, (_, future) in enumerate(batch)}

            def again(one: Batch) -> None:
                number = numbers[id(one[0][1])]
                self.answer(one, prepared.of([number]), [attempted[number]], predict_us)

            fail(batch, error, again)
        else:
            settle(batch, given)

    def _answers(self, prepared: Prepared, attempted: Sequence[Attempted], predict_us: int) -> list[Answer]:
        champion = self.champion
        if champion.guard is not None and not champion.guard.closed and champion.rule is not None:
            return self._by_rule(champion.rule, prepared, attempted, predict_us)
        began = champion.monotonic()
        try:
            scores = predicted_at_work(champion, prepared)
        except VersionFailed as error:
            if champion.rule is not None and is_lost(error):
                return self._by_rule(champion.rule, prepared, attempted, predict_us)
            if len(prepared.asks) == 1:
                took = microseconds(champion.monotonic() - began)
                shown = failed_rows(champion, prepared, [error.reason] * len(prepared.matrix), None, took)
                self._log(shown, prepared, attempted, predict_us)
            raise
        scored = scored_rows(champion, prepared, scores, microseconds(champion.monotonic() - began))
        shown = champion.batches.build(scored)
        self._log(shown, prepared, attempted, predict_us)
        if champion.mirror is not None:
            champion.mirror.offer(shown)
        return list(answers(champion, prepared, scored))

    def _by_rule(self, rule: Rule, prepared: Prepared, attempted: Sequence[Attempted], predict_us: int) -> list[Answer]:
        stood_in = by_rule(self.champion, rule, prepared)
        self._log(stood_in.batch, prepared, attempted, predict_us)
        return list(answers(self.champion, prepared, stood_in.scored, tier=TIER))

    def _log(self, shown: pa.RecordBatch, prepared: Prepared, attempted: Sequence[Attempted], predict_us: int) -> None:
        errors = spread(prepared.asks, [one.reason for one in attempted])
        pairs = shown["prediction_id"].to_pylist()
        self.champion.log.append(
            pa.concat_batches([shown, failed_rows(self.trial, prepared, errors, pairs, predict_us)])
        )


@dataclass(frozen=True)
class HonestFailure:
    """Nobody stands in for a version that was asked for by its name: its failure is logged, and told."""

    trial: Stage

    def answer(self, batch: Batch, prepared: Prepared, attempted: Sequence[Attempted], predict_us: int) -> None:
        """Settle a batch, each ask by its own reason."""
        for number, (one, tried) in enumerate(zip(batch, attempted, strict=True)):
            if tried.unscorable:
                tell([one], InvalidInput(tried.reason))
                continue
            rows = prepared.of([number])
            try:
                errors = [tried.reason] * len(rows.matrix)
                self.trial.log.append(failed_rows(self.trial, rows, errors, None, predict_us))
            except Exception as error:  # noqa: BLE001 - as above
                tell([one], error)
            else:
                tell([one], VersionFailed(self.trial.version, tried.reason))
