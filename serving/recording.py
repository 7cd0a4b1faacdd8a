"""A scored or failed micro-batch as its log rows and its answers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, compress

import numpy as np
import pyarrow as pa

from feature_repo.definition import ModelDefinition
from lifecycle.deciding import decide_actions
from serving.answer import MODEL_TIER, Answer, Ask
from serving.log_batch import Decided, Failure, Scored
from serving.prepared import Prepared, microseconds, spread
from serving.stage import Stage

NOTHING: tuple[str, ...] = ()


def scored_rows(
    stage: Stage,
    prepared: Prepared,
    scores: np.ndarray,
    predict_us: int,
    *,
    tiers: Sequence[str] | None = None,
    costs: np.ndarray | None = None,
) -> Scored:
    """Return a micro-batch with its decisions and new prediction ids; `scores` must be usable.

    `tiers` and `costs` are as Scored has them.
    """
    counts = np.count_nonzero(prepared.defaulted, axis=1)
    # The policy speaks of today's contract.
    asked = prepared.request if stage.terms is None else stage.terms.columns(prepared.request)
    decisions, decided_by = decide_actions(stage.decision, asked, scores, counts)
    # Rows that the threshold decides are the rule, and their column is then a constant.
    decided = Decided(scores, decisions, decided_by if any(decided_by) else None)
    scored = _rows(stage, prepared, decided, counts, predict_us)
    return scored if tiers is None and costs is None else replace(scored, tiers=tiers, costs=costs)


def failed_rows(
    stage: Stage, prepared: Prepared, errors: Sequence[str], pairs_with: Sequence[str] | None, predict_us: int
) -> pa.RecordBatch:
    """Return the log rows of an attempt without scores; `errors` are per row, `pairs_with` as Failure has it."""
    counts = np.count_nonzero(prepared.defaulted, axis=1)
    rows = _rows(stage, prepared, None, counts, predict_us, shown=pairs_with is None)
    return stage.batches.build(rows, Failure(errors, pairs_with))


def log_failed(stage: Stage, prepared: Prepared, reason: str, seconds: float) -> None:
    """Log an attempt as failed whole, and as what its callers got; `seconds` is how long the version was asked.

    Raises Unavailable when the log is out of reach.
    """
    errors = [reason] * len(prepared.matrix)
    stage.log.append(failed_rows(stage, prepared, errors, None, microseconds(seconds)))


def answers(stage: Stage, prepared: Prepared, scored: Scored, tier: str = MODEL_TIER) -> Iterator[Answer]:
    """Yield one answer per ask, in order; `tier` says who scored them, unless each row has its own."""
    if scored.decided is None:
        raise ValueError("a failed micro-batch has no answers")
    decisions = scored.decided.decisions
    ages = _ages(stage.definition, scored)
    probabilities = scored.decided.scores.tolist()
    at = 0
    for ask in prepared.asks:
        end = at + len(ask.rows)
        oldest = max(ages[at:end])
        tiers = None if scored.tiers is None else scored.tiers[at:end]
        alike = tiers is None or len(set(tiers)) == 1
        yield Answer(
            model=stage.definition.name,
            version=stage.version,
            contract=stage.codec.contract.name,
            plan_revision=stage.plan_revision,
            prediction_ids=scored.prediction_ids[at:end],
            probabilities=probabilities[at:end],
            decisions=decisions[at:end],
            defaulted=scored.defaulted[at:end],
            feature_age_seconds=None if oldest == -np.inf else oldest,
            tier=tier if tiers is None or not alike else tiers[0],
            tiers=None if alike else tiers,
            request_contract=stage.codec.contract.name if ask.original is None else ask.original.contract,
        )
        at = end


def _rows(
    stage: Stage,
    prepared: Prepared,
    decided: Decided | None,
    defaulted_counts: np.ndarray,
    predict_us: int,
    *,
    shown: bool = True,
) -> Scored:
    asks = prepared.asks
    tenants = [ask.caller.tenant for ask in asks]
    return Scored(
        prediction_ids=_prediction_ids(stage, asks, len(prepared.matrix), shown=shown),
        request_ids=spread(asks, [ask.request_id for ask in asks]),
        row_numbers=list(chain.from_iterable(ask.numbers or range(len(ask.rows)) for ask in asks)),
        served_at=stage.epoch_seconds(),
        moments=prepared.moments,
        example_ids=prepared.example_ids,
        units=prepared.units,
        requests=prepared.requests,
        matrix=prepared.matrix,
        defaulted=defaulted_names(stage.definition, prepared.defaulted, defaulted_counts),
        feature_at=prepared.feature_at,
        decided=decided,
        decode_us=spread(asks, [ask.decode_us for ask in asks]),
        queue_us=prepared.queue_us,
        features_us=prepared.features_us,
        predict_us=predict_us,
        spent_us=prepared.spent_us,
        tenants=spread(asks, tenants) if any(tenants) else None,
        originals=_originals(asks) if any(ask.original for ask in asks) else None,
    )


def _originals(asks: Sequence[Ask]) -> tuple[list[str | None], list[str | None]]:
    contracts: list[str | None] = []
    requests: list[str | None] = []
    for ask in asks:
        original = ask.original
        contracts += [None if original is None else original.contract] * len(ask.rows)
        requests += [None] * len(ask.rows) if original is None else map(original.codec.as_json, original.rows)
    return contracts, requests


def _prediction_ids(stage: Stage, asks: Sequence[Ask], n_rows: int, *, shown: bool) -> list[str]:
    """Return the ids of a micro-batch's rows: those that a keyed request is shown are its claim's."""
    if not shown or all(ask.claim is None for ask in asks):
        return stage.ids.take(n_rows)
    now = stage.monotonic()
    ids: list[str] = []
    for ask in asks:
        own = ask.claim
        ids += stage.ids.take(len(ask.rows)) if own is None else own.ids(ask.numbers or range(len(ask.rows)), now)
    return ids


def _ages(definition: ModelDefinition, scored: Scored) -> list[float]:
    ageing = [column for column, view in enumerate(definition.views) if view.ages]
    if not ageing:
        return [-np.inf] * len(scored.prediction_ids)
    feature_at = scored.feature_at[:, ageing]
    oldest = np.where(np.isnan(feature_at), np.inf, feature_at).min(axis=1)
    ages: list[float] = np.where(np.isinf(oldest), -np.inf, scored.moments - oldest).tolist()
    return ages


def defaulted_names(definition: ModelDefinition, defaulted: np.ndarray, counts: np.ndarray) -> list[Sequence[str]]:
    """Return per row the features that a declared default stands for; `counts` is how many they are, (n_rows,)."""
    marked: list[Sequence[str]] = [NOTHING] * len(defaulted)
    if not counts.any():
        return marked
    width, masks = defaulted.shape[1], defaulted.tobytes()
    # Rows that lack the same features are common, as all features of a view are missing together.
    known: dict[bytes, Sequence[str]] = {}
    for row in np.flatnonzero(counts).tolist():
        mask = masks[row * width : (row + 1) * width]
        names = known.get(mask)
        if names is None:
            names = known[mask] = tuple(compress(definition.vector, mask))
        marked[row] = names
    return marked
