"""How a micro-batch is answered at last: its rows and all attempts before it in one append, then the futures."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from serving.answer import Answer
from serving.batching import settle, tell
from serving.outputs.behind import try_behind
from serving.prepared import Prepared, spread
from serving.recording import answers, failed_rows, scored_rows
from serving.stage import Stage
from serving.tiers.tier import UnderWay


@dataclass(frozen=True, slots=True)
class Scoring:
    """The scores of a tier, (n_rows,) float64, and how long they took, in microseconds."""

    stage: Stage
    tier: str
    scores: np.ndarray
    took_us: int


def answer(scoring: Scoring, under_way: UnderWay, prepared: Prepared) -> None:
    """Log what a tier scored, with the failed attempts before it, and give every caller its answer."""
    stage = scoring.stage
    try:
        scored = scored_rows(stage, prepared, scoring.scores, scoring.took_us)
        rows = stage.batches.build(scored)
        given: list[Answer] = list(answers(stage, prepared, scored, tier=scoring.tier))
        stage.log.append(with_failed(rows, prepared, under_way))
    except Exception as error:  # noqa: BLE001 - whatever went wrong must reach the callers that wait
        tell(under_way.batch, error)
        return
    if stage.mirror is not None:
        stage.mirror.offer(rows)
    if stage.guard is not None:
        stage.guard.watch(prepared.example_ids, scoring.scores, rows)
    if under_way.stopped is not None:
        under_way.stopped.guard.stood_in(rows)
        try_behind(under_way.stopped.stage, under_way.stopped.guard, prepared)
    settle(under_way.batch, given)


def with_failed(shown: pa.RecordBatch, prepared: Prepared, under_way: UnderWay) -> pa.RecordBatch:
    """Return the shown rows and beside them, paired, the rows of the attempts that failed before."""
    if not under_way.failed:
        return shown
    pairs = shown["prediction_id"].to_pylist()
    rows = []
    for one in under_way.failed:
        asked = one.prepared or prepared
        rows.append(failed_rows(one.stage, asked, spread(asked.asks, one.reasons), pairs, one.predict_us))
    return pa.concat_batches([shown, *rows])
