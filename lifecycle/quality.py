"""How good a version's answers turned out to be, over the labels that have come in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lifecycle.evaluation import Metrics


@dataclass(frozen=True)
class Quality:
    """One version's quality over the predictions made for [since_at, until_at).

    `labelled` of its `predictions` had a label by `measured_at`; the metrics rest on those alone.
    `detail` holds what is known beyond them: intervals, slices, and the estimate that needs no labels.
    """

    model: str
    version: str
    since_at: datetime
    until_at: datetime
    predictions: int
    labelled: int
    metrics: Metrics
    measured_at: datetime
    detail: Mapping[str, object] | None = None
