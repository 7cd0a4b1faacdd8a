"""The cheap tiers, the cheapest first: what was kept, what the small model is sure of, and the rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import structlog

from serving.answer import Ask
from serving.cache.exact import Kept
from serving.cascade import answered_by_small
from serving.cheap.cheap import CACHE, SMALL, Cheap
from serving.cheap.sorting import Sorting
from serving.predicted import VersionFailed
from serving.prepared import MICROSECONDS, Prepared, spread
from serving.stage import Stage
from serving.tiers.rule import RULE

log = structlog.get_logger()


def find_kept(stage: Stage, cheap: Cheap, asks: Sequence[Ask]) -> dict[int, Kept]:
    """Return what was kept of the very same rows, by their places among all rows."""
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


def sort_rows(stage: Stage, cheap: Cheap, prepared: Prepared, kept: Mapping[int, Kept]) -> Sorting:
    """Return a micro-batch with what cheap tiers answer of it; what was `kept` is given by place."""
    rows = _Rows(stage, cheap, prepared, Sorting(len(prepared.matrix)))
    rows.give_again(kept)
    rows.ask_small()
    rows.ask_rule()
    return rows.sorting


def each(prepared: Prepared, values: Sequence[bool]) -> np.ndarray:
    """Return an ask's value for each row of it, (n_rows,) bool."""
    return np.array(spread(prepared.asks, values), dtype=bool)


def downgraded(prepared: Prepared) -> np.ndarray:
    """Return which rows are of callers who have spent their budget, (n_rows,) bool."""
    return each(prepared, [ask.downgraded for ask in prepared.asks])


@dataclass(frozen=True)
class _Rows:
    """A micro-batch on its way through the cheap tiers."""

    stage: Stage
    cheap: Cheap
    prepared: Prepared
    sorting: Sorting

    def give_again(self, kept: Mapping[int, Kept]) -> None:
        """Answer the rows that were asked before, and those whose vectors lie near enough to one that was."""
        sorting, near = self.sorting, self.cheap.near
        if kept:
            sorting.answered(np.array(list(kept)), np.array([one.score for one in kept.values()]), CACHE)
        sorting.took(np.flatnonzero(sorting.open), self.prepared.spent_us)
        if near is None:
            return
        wanted = np.flatnonzero(sorting.open & ~each(self.prepared, [ask.fresh for ask in self.prepared.asks]))
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
        spent = downgraded(self.prepared)
        rows = np.flatnonzero(self.sorting.open if bands.any() else self.sorting.open & spent)
        if not len(rows):
            return
        began = self.stage.monotonic()
        try:
            scores, sure = answered_by_small(self.stage.version, small, bands, self.prepared.matrix[rows])
        except VersionFailed as error:
            # Its health check will say so, too; the version can answer all the same.
            log.warning("small_model_failed", version=self.stage.version, because=error.reason)
            return
        self.sorting.took(rows, (self.stage.monotonic() - began) * MICROSECONDS / len(rows))
        taken = sure | spent[rows]
        self.sorting.answered(rows[taken], scores[taken], SMALL)

    def ask_rule(self) -> None:
        """Answer what is left of callers who have spent their budget."""
        rows = np.flatnonzero(self.sorting.open & downgraded(self.prepared))
        if len(rows) and self.cheap.rule is not None:
            self.sorting.answered(rows, self.cheap.rule.score(self.prepared.matrix[rows]), RULE)
