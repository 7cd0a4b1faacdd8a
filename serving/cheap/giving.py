"""What cheap tiers answered: into the log, to the guard, and into the caches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from serving.answer import MODEL_TIER, Answer, Ask
from serving.cache.vector import Vector
from serving.cheap.cheap import SMALL, Cheap
from serving.cheap.sorting import Sorting
from serving.cheap.steps import downgraded, each
from serving.prepared import Prepared
from serving.recording import answers, scored_rows
from serving.stage import Stage


@dataclass(frozen=True)
class Given:
    """A micro-batch sorted; `took_us` is how long its rows took to be scored, in microseconds."""

    stage: Stage
    cheap: Cheap
    prepared: Prepared
    sorting: Sorting
    took_us: int

    def answers(self, asks: Sequence[Ask], rows: Sequence[int]) -> list[Answer]:
        """Return the answers to asks whose rows these are, by their places, once they are in the log.

        Raises Unavailable when the log is out of reach.
        """
        stage, sorting = self.stage, self.sorting
        mine = self.prepared.cut(asks, rows)
        places = np.array(rows)
        costs = sorting.costs(self.cheap.charges)
        scored = scored_rows(
            stage,
            mine,
            sorting.scores[places],
            self.took_us,
            tiers=[sorting.tiers[row] for row in rows],
            costs=None if costs is None else costs[places],
        )
        batch = stage.batches.build(scored)
        stage.log.append(batch)
        self._watched(batch, mine, places)
        self._keep_small(mine, places)
        return list(answers(stage, mine, scored))

    def keep(self, rows: Sequence[int], answer: Answer) -> None:
        """Keep what the version itself answered to the rows at these places."""
        if answer.tier == MODEL_TIER and answer.tiers is None:
            self._keep(rows, answer.probabilities)

    def _watched(self, batch: pa.RecordBatch, mine: Prepared, places: np.ndarray) -> None:
        """Show the guard what the version's small model gave, on the version's scale."""
        guard = self.stage.guard
        if guard is None:
            return
        small = self.sorting.by(SMALL)[places] & ~downgraded(mine)
        if small.any():
            scores = self.cheap.scale.of(self.sorting.scores[places][small])
            ids = [one for one, its in zip(mine.example_ids, small.tolist(), strict=True) if its]
            guard.watch(ids, scores, batch if small.all() else batch.filter(pa.array(small)))

    def _keep_small(self, mine: Prepared, places: np.ndarray) -> None:
        if self.cheap.exact is None:
            return
        unkept = each(mine, [ask.unkept or ask.downgraded for ask in mine.asks])
        rows = places[self.sorting.by(SMALL)[places] & ~unkept]
        self._keep(rows.tolist(), self.sorting.scores[rows].tolist())

    def _keep(self, rows: Sequence[int], scores: Sequence[float]) -> None:
        exact, near, prepared = self.cheap.exact, self.cheap.near, self.prepared
        if exact is None or not len(rows):
            return
        vectors = Vector(prepared.matrix, prepared.defaulted, prepared.feature_at)
        for row, score in zip(rows, scores, strict=True):
            exact.keep(prepared.requests[row], score, vectors.row(row))
        if near is not None:
            for key, score in zip(near.keys(prepared.matrix[np.array(rows)]), scores, strict=True):
                near.keep(key, score)
