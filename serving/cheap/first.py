"""The head of a champion's lane where something cheaper may answer: on the event loop, before any thread is asked."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from serving.answer import Answer
from serving.batching import Batch, Release, settle, tell
from serving.cache.exact import Kept
from serving.cheap.cheap import Cheap
from serving.cheap.giving import Given
from serving.cheap.reading import Reading
from serving.cheap.steps import find_kept, sort_rows
from serving.prepared import microseconds, prepare_recalled
from serving.rollout.trial import merged
from serving.stage import Stage
from serving.tiers.run import TierRun
from serving.tiers.tier import UnderWay
from serving.waiting_asks import Waiting


class CheapFirst:
    """Answers what cheap tiers may of micro-batches, and hands the `champion` the rest, row by row.

    An ask that needs the champion for some of its rows is answered when these are; if they come to an error, so does
    the ask, and nothing cheap of it is logged. A request has `budget_seconds` in all. While the guard has stopped the
    version's answers, its small model and what was kept of it are stopped, too.
    """

    def __init__(self, stage: Stage, cheap: Cheap, reading: Reading, champion: TierRun, budget_seconds: float) -> None:
        self._stage = stage
        self._cheap = cheap
        self._reading = reading
        self._champion = champion
        self._budget_seconds = budget_seconds

    def __call__(self, batch: Batch, release: Release) -> None:
        """Take a batch from its queue; `release` is called as soon as the next one may come."""
        submitted = min(ask.submitted for ask, _ in batch)
        under_way = UnderWay(batch, submitted + self._budget_seconds)
        if self._is_stopped() or under_way.due <= self._stage.monotonic():
            self._champion.take(under_way, release)
            return
        kept = find_kept(self._stage, self._cheap, [ask for ask, _ in batch])
        if kept:
            under_way, kept = self._give_kept(under_way, kept)
        if not under_way.batch:
            release()
            return
        known = {row: one.vector for row, one in kept.items()}
        then = partial(self._sort, kept, release)
        try:
            prepared = prepare_recalled(self._stage, [ask for ask, _ in under_way.batch], known)
        except Exception:  # noqa: BLE001 - the version's run finds out which of the requests is the odd one
            self._champion.take(under_way, release)
            return
        if prepared is None:
            self._reading.read(under_way, known, then)
        else:
            then(replace(under_way, prepared=prepared))

    def _is_stopped(self) -> bool:
        guard = self._stage.guard
        return guard is not None and not guard.closed

    def _give_kept(self, under_way: UnderWay, kept: dict[int, Kept]) -> tuple[UnderWay, dict[int, Kept]]:
        """Answer the asks of which every row was kept, and return the others, with what was kept of them."""
        whole: list[Waiting] = []
        others: list[Waiting] = []
        given: dict[int, Kept] = {}
        left: dict[int, Kept] = {}
        row = n_given = n_left = 0
        for waiting in under_way.batch:
            rows = range(row, row + len(waiting[0].rows))
            row = rows.stop
            if all(one in kept for one in rows):
                whole.append(waiting)
                given |= {n_given + at: kept[one] for at, one in enumerate(rows)}
                n_given += len(rows)
            else:
                others.append(waiting)
                left |= {n_left + at: kept[one] for at, one in enumerate(rows) if one in kept}
                n_left += len(rows)
        if whole:
            self._give_whole(UnderWay(whole, under_way.due), given)
        return replace(under_way, batch=others), left

    def _give_whole(self, under_way: UnderWay, kept: Mapping[int, Kept]) -> None:
        known = {row: one.vector for row, one in kept.items()}
        try:
            prepared = prepare_recalled(self._stage, [ask for ask, _ in under_way.batch], known)
        except Exception as error:  # noqa: BLE001 - whatever went wrong must reach the callers that wait
            tell(under_way.batch, error)
        else:
            self._sort(kept, lambda: None, replace(under_way, prepared=prepared))

    def _sort(self, kept: Mapping[int, Kept], release: Release, under_way: UnderWay) -> None:
        """Answer what cheap tiers may; `kept` is by place."""
        stage, prepared = self._stage, under_way.prepared
        if prepared is None or self._is_stopped():
            self._champion.take(under_way, release)
            return
        began = stage.monotonic()
        try:
            sorting = sort_rows(stage, self._cheap, prepared, kept)
        except Exception:  # noqa: BLE001 - as above
            self._champion.take(under_way, release)
            return
        given = Given(stage, self._cheap, prepared, sorting, microseconds(stage.monotonic() - began))
        rest = self._split(given, under_way.batch)
        if not rest:
            release()
            return
        open_rows = np.flatnonzero(sorting.open).tolist()
        left = replace(prepared, spent_us=sorting.spent_us()).cut([ask for ask, _ in rest], open_rows)
        self._champion.take(replace(under_way, batch=rest, prepared=left), release)

    def _split(self, given: Given, batch: Batch) -> list[Waiting]:
        """Answer the asks that need nobody else, and return what is left of the others."""
        whole: list[Waiting] = []
        rows: list[int] = []
        rest: list[Waiting] = []
        row = 0
        for ask, future in batch:
            mine = range(row, row + len(ask.rows))
            row = mine.stop
            wanted = [one for one in mine if given.sorting.open[one]]
            if not wanted:
                whole.append((ask, future))
                rows += mine
            else:
                rest.append(self._left(given, (ask, future), mine, wanted))
        if whole:
            try:
                settle(whole, given.answers([ask for ask, _ in whole], rows))
            except Exception as error:  # noqa: BLE001 - as above
                tell(whole, error)
        return rest

    def _left(self, given: Given, waiting: Waiting, mine: range, wanted: list[int]) -> Waiting:
        """Return what the champion is asked of an ask with rows `mine`, of which `wanted` are open."""
        ask, future = waiting
        keeps = self._cheap.exact is not None and not ask.unkept and not ask.downgraded
        if len(wanted) == len(mine):
            if keeps:
                future.add_done_callback(partial(_keep, given, wanted))
            return waiting
        part: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        part.add_done_callback(partial(_join, given, waiting, mine, wanted))
        if keeps:
            part.add_done_callback(partial(_keep, given, wanted))
        return ask.part([row - mine.start for row in wanted]), part


def _keep(given: Given, rows: list[int], answered: "asyncio.Future[Answer]") -> None:
    if not answered.cancelled() and answered.exception() is None:
        given.keep(rows, answered.result())


def _join(given: Given, waiting: Waiting, mine: range, wanted: list[int], part: "asyncio.Future[Answer]") -> None:
    """Answer an ask whose open rows the champion's lane has answered now."""
    ask, future = waiting
    error = part.exception()
    if error is not None:
        if not future.done():
            future.set_exception(error)
        return
    cheap = [row for row in mine if row not in set(wanted)]
    places = [[row - mine.start for row in rows] for rows in (cheap, wanted)]
    try:
        (own,) = given.answers([ask.part(places[0])], cheap)
    except Exception as failure:  # noqa: BLE001 - whatever went wrong must reach the caller that waits
        tell([waiting], failure)
        return
    settle([waiting], [merged(given.stage.version, len(mine), places, [own, part.result()])])
