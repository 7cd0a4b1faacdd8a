"""Rows of the prediction log as figures: a few counts over whole columns, whatever the number of rows."""

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lifecycle.assignment import Arm
from serving.metrics.family import Family
from serving.metrics.figures import Figures, Labels
from serving.metrics.served_families import (
    COST,
    MISSING,
    PREDICTIONS,
    SCORE,
    SHADOW_ROWS,
    SHOWN,
    STAGE_DURATION,
)

MICROSECONDS = 1_000_000
STAGES: Mapping[str, str] = {
    "decode": "decode_us",
    "queue": "queue_us",
    "features": "features_us",
    "predict": "predict_us",
}
GROUP = ("model", "version", "arm", "tier", "tenant", "outcome", "shown")
COLUMNS = (*GROUP, "score", "cost", "defaulted", *STAGES.values())
"""What of a row is counted."""
OLD_OUTCOME = "answered"
"""What every row was before the log said so."""


def count_rows(figures: Figures, rows: pa.Table) -> None:
    """Add the rows, with the columns COLUMNS, to figures."""
    for key, group in _groups(rows):
        _count_group(figures, key, group)


def _groups(rows: pa.Table) -> Iterator[tuple[tuple[str, ...], pa.Table]]:
    """Yield the rows that share their labels, which are few sets, with these labels as text."""
    texts = [pc.fill_null(rows[name], OLD_OUTCOME if name == "outcome" else "") for name in GROUP[:-1]]
    shown = pc.if_else(pc.fill_null(rows["shown"], fill_value=True), "yes", "no")
    keys = pc.binary_join_element_wise(*texts, shown, "\0").combine_chunks().dictionary_encode()
    which = keys.indices.to_numpy()
    for number, key in enumerate(keys.dictionary.to_pylist()):
        mine = np.flatnonzero(which == number)
        yield tuple(key.split("\0")), rows if len(mine) == len(rows) else rows.take(pa.array(mine))


def _count_group(figures: Figures, key: tuple[str, ...], rows: pa.Table) -> None:
    model, version, arm, tier, tenant, outcome, shown = key
    n_rows = float(len(rows))
    figures.add(PREDICTIONS, (model, version, arm, tier, outcome), [n_rows])
    shadow = arm == Arm.SHADOW
    if shadow:
        figures.add(SHADOW_ROWS, (model, version, outcome), [n_rows])
    for stage, column in STAGES.items():
        # A shadow neither queues on a user's path nor reads features.
        if not shadow or stage == "predict":
            seconds = rows[column].to_numpy() / MICROSECONDS
            _observe(figures, STAGE_DURATION, (model, version, tier, stage), seconds)
    _observe(figures, SCORE, (model, version), rows["score"].drop_null().to_numpy())
    costs = rows["cost"].drop_null()
    if len(costs):
        figures.add(COST, (model, version, tier, tenant), [float(pc.sum(costs).as_py())])
    if shown == "yes":
        _count_missing(figures, model, rows)


def _count_missing(figures: Figures, model: str, rows: pa.Table) -> None:
    figures.add(SHOWN, (model,), [float(len(rows))])
    names = pc.value_counts(pc.list_flatten(rows["defaulted"]).combine_chunks())
    for one in names.to_pylist():
        figures.add(MISSING, (model, one["values"]), [float(one["counts"])])


def _observe(figures: Figures, family: Family, labels: Labels, values: np.ndarray) -> None:
    usable = values[~np.isnan(values)]
    if not len(usable):
        return
    # A bound belongs to its own bucket, as "le" says.
    buckets = np.searchsorted(np.array(family.bounds), usable, side="left")
    counts = np.bincount(buckets, minlength=len(family.bounds) + 1)
    figures.add(family, labels, [*counts.tolist(), float(usable.sum())])
