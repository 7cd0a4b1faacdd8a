"""One micro-batch where cheap tiers may answer: what was kept, what the small model is sure of, the version's rest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import structlog

from serving.answer import MODEL_TIER, Answer, Ask
from serving.at_work import predicted_at_work
from serving.cache.exact import Kept
from serving.cache.vector import Vector
from serving.cascade import answered_by_small
from serving.cheap.cheap import CACHE, SMALL, Cheap
from serving.cheap.sorting import Sorting
from serving.outputs.rule import TIER as RULE
from serving.predicted import VersionFailed
from serving.prepared import MICROSECONDS, Prepared, microseconds, prepare, spread
from serving.recording import answers, log_failed, scored_rows
from serving.stage import Stage

log = structlog.get_logger()


def score_cheaply(stage: Stage, cheap: Cheap, asks: Sequence[Ask]) -> list[Answer]:
    """Return the answers of a micro-batch, in order, once all of its rows are in the log.

    Raises Unavailable and VersionFailed as `score` does.
    """
    kept = _kept(stage, cheap, asks)
    prepared = prepare(stage, asks, {row: one.vector for row, one in kept.items()})
    rows = _Rows(stage, cheap, prepared, Sorting(len(prepared.matrix)))
    began = stage.monotonic()
    rows.give_again(kept)
    rows.ask_small()
    rows.ask_rule()
    try:
        rows.ask_version()
    except VersionFailed as error:
        if len(asks) == 1:
            log_failed(stage, prepared, error.reason, stage.monotonic() - began)
        raise
    return rows.logged(microseconds(stage.monotonic() - began))


def _kept(stage: Stage, cheap: Cheap, asks: Sequence[Ask]) -> dict[int, Kept]:
    """Return what was kept of the very same rows, by their places."""
    found: dict[int, Kept] = {}
    if cheap.exact is None:
        return found
    row = 0
    for ask in asks:
        if not ask.fresh:
            for at, one in enumerate(ask.rows, start=row):
                kept = cheap.exact.find(stage.codec.as_json(one))
                if kept is not None:
                    found[at] = kept
        row += len(ask.rows)
    return found


@dataclass(frozen=True)
class _Rows:
    """A micro-batch on its way through the tiers, the cheapest first."""

    stage: Stage
    cheap: Cheap
    prepared: Prepared
    sorting: Sorting

    def give_again(self, kept: dict[int, Kept]) -> None:
        """Answer the rows that were asked before, and those whose vectors lie near enough to one that was."""
        sorting, near = self.sorting, self.cheap.near
        if kept:
            sorting.answered(np.array(list(kept)), np.array([one.score for one in kept.values()]), CACHE)
        sorting.took(np.flatnonzero(sorting.open), self.prepared.features_us)
        if near is None:
            return
        wanted = np.flatnonzero(sorting.open & ~self._each([ask.fresh for ask in self.prepared.asks]))
        found = [near.find(key) for key in near.keys(self.prepared.matrix[wanted])]
        hits = [(row, score) for row, score in zip(wanted.tolist(), found, strict=True) if score is not None]
        if hits:
            places, scores = zip(*hits, strict=True)
            sorting.answered(np.array(places), np.array(scores), CACHE)

    def ask_small(self) -> None:
        """Answer the rows that the small model is sure of, and all rows of callers who have spent their budget."""
        small, bands = self.cheap.small, self.cheap.bands
        if small is None:
            return
        wanted = self.sorting.open if bands.any() else self.sorting.open & self._downgraded()
        rows = np.flatnonzero(wanted)
        if not len(rows):
            return
        began = self.stage.monotonic()
        try:
            scores, sure = answered_by_small(self.stage.version, small, bands, self.prepared.matrix[rows])
        except VersionFailed as error:
            # Its health check will say so, too; the version can answer all the same.
            log.warning("small_model_failed", version=self.stage.version, because=error.reason)
            return
        self._timed(rows, began)
        taken = sure | self._downgraded()[rows]
        self.sorting.answered(rows[taken], scores[taken], SMALL)

    def ask_rule(self) -> None:
        """Answer what is left of callers who have spent their budget."""
        rows = np.flatnonzero(self.sorting.open & self._downgraded())
        if len(rows) and self.cheap.rule is not None:
            self.sorting.answered(rows, self.cheap.rule.scores(self.prepared.matrix[rows]), RULE)

    def ask_version(self) -> None:
        """Answer the rest; raises VersionFailed."""
        rows = np.flatnonzero(self.sorting.open)
        if not len(rows):
            return
        began = self.stage.monotonic()
        scores = predicted_at_work(self.stage, self.prepared, None if len(rows) == len(self.sorting.open) else rows)
        self._timed(rows, began)
        self.sorting.answered(rows, scores, MODEL_TIER)

    def logged(self, predict_us: int) -> list[Answer]:
        """Return the answers once they are in the log, shown to whoever follows, and kept."""
        stage, prepared, sorting = self.stage, self.prepared, self.sorting
        costs = sorting.costs(self.cheap.charges)
        scored = scored_rows(stage, prepared, sorting.scores, predict_us, tiers=sorting.named(), costs=costs)
        batch = stage.batches.build(scored)
        stage.log.append(batch)
        own = sorting.by(MODEL_TIER)
        if stage.mirror is not None and own.any():
            stage.mirror.offer(_some(batch, own))
        self._watched(batch, own, sorting.by(SMALL) & ~self._downgraded())
        self._keep()
        return list(answers(stage, prepared, scored))

    def _watched(self, batch: pa.RecordBatch, own: np.ndarray, small: np.ndarray) -> None:
        """Show the guard what the version gave, and what its small model did on the version's scale."""
        guard, mine = self.stage.guard, own | small
        if guard is None or not mine.any():
            return
        scores = self.sorting.scores
        if small.any():
            scores = np.where(small, self.cheap.scale.of(scores), scores)
        ids = [one for one, its in zip(self.prepared.example_ids, mine.tolist(), strict=True) if its]
        guard.watch(ids, scores[mine], _some(batch, mine))

    def _keep(self) -> None:
        exact, near = self.cheap.exact, self.cheap.near
        if exact is None:
            return
        unkept = self._each([ask.unkept or ask.downgraded for ask in self.prepared.asks])
        new = np.flatnonzero(self.sorting.by(MODEL_TIER, SMALL) & ~unkept)
        prepared = self.prepared
        vectors = Vector(prepared.matrix, prepared.defaulted, prepared.feature_at)
        for row in new.tolist():
            exact.keep(prepared.requests[row], float(self.sorting.scores[row]), vectors.row(row))
        if near is not None and len(new):
            for row, key in zip(new.tolist(), near.keys(prepared.matrix[new]), strict=True):
                near.keep(key, float(self.sorting.scores[row]))

    def _timed(self, rows: np.ndarray, began: float) -> None:
        self.sorting.took(rows, (self.stage.monotonic() - began) * MICROSECONDS)

    def _downgraded(self) -> np.ndarray:
        return self._each([ask.downgraded for ask in self.prepared.asks])

    def _each(self, values: Sequence[bool]) -> np.ndarray:
        """Return an ask's value for each row of it, (n_rows,) bool."""
        return np.array(spread(self.prepared.asks, values), dtype=bool)


def _some(batch: pa.RecordBatch, rows: np.ndarray) -> pa.RecordBatch:
    return batch if rows.all() else batch.filter(pa.array(rows))
