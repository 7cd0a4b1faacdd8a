"""Which rows a training learns from, and which later ones it is judged on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from flows.moments import require_zone
from lifecycle.errors import EvidenceMissing, InvalidInput
from lifecycle.policy import TrainingPolicy


@dataclass(frozen=True)
class TrainingWindow:
    """Prediction moments in [start_at, split_at) are learned from, in [split_at, end_at) judged on.

    A label counts only when it was known by `matured_at`: later ones may still be corrected.
    """

    start_at: datetime
    split_at: datetime
    end_at: datetime
    matured_at: datetime


def choose_window(
    policy: TrainingPolicy, now: datetime, start: datetime | None = None, end: datetime | None = None
) -> TrainingWindow:
    """Return the policy's window up to `now`, or the given one.

    Raises InvalidInput for a naive time, and when the window lies in the future or is too short for its
    validation days.
    """
    require_zone(start, end)
    end_at = end or now
    start_at = start or end_at - timedelta(days=policy.window_days)
    split_at = end_at - timedelta(days=policy.validation_days)
    if end_at > now:
        raise InvalidInput(f"the window ends at {end_at.isoformat()}, after now ({now.isoformat()}); end it earlier")
    if start_at >= split_at:
        raise InvalidInput(
            f"the window from {start_at.isoformat()} to {end_at.isoformat()} leaves nothing to learn from before its "
            f"{policy.validation_days} validation days; start it before {split_at.isoformat()}"
        )
    return TrainingWindow(start_at, split_at, end_at, end_at - timedelta(hours=policy.label_maturity_hours))


def require_reach(
    model: str, reached: Mapping[str, datetime | None], window: TrainingWindow, source_end: datetime
) -> None:
    """Raise EvidenceMissing unless every flow in `reached`, with its watermark, has come as far as the window needs.

    Without features the later rows would get declared defaults, and nobody would see it. What counts is
    `matured_at`, not `end_at`: a row asked later has no label that counts, and a clock that runs is always ahead.
    A source that has ended has nothing after its end.
    """
    needed = min(window.matured_at, source_end)
    for flow, at in reached.items():
        if at is None or at < needed:
            stands = "has not begun" if at is None else f"stands at {at.isoformat()}"
            raise EvidenceMissing(
                f"{flow} of {model} {stands}, but the window up to {window.end_at.isoformat()} uses rows up to "
                f"{needed.isoformat()}; run the flows ingest and materialize first, or end it earlier"
            )


def split_rows(examples: pd.DataFrame, window: TrainingWindow) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows to learn from and which to judge on, (n_rows,) bool each, never both.

    A row is learned from only when its label was known before the first judged moment, as it would
    have been for a model trained on that day.
    """
    moment, known_at = examples["event_timestamp"], examples["label_known_at"]
    learn = (moment >= window.start_at) & (moment < window.split_at) & (known_at <= window.split_at)
    judge = (moment >= window.split_at) & (moment < window.end_at) & (known_at <= window.matured_at)
    return learn.to_numpy(), judge.to_numpy()


def require_rows(model: str, labels: np.ndarray, judged: int, policy: TrainingPolicy, window: TrainingWindow) -> None:
    """Raise EvidenceMissing unless there is enough to learn from, of both classes, and something to judge on."""
    if len(labels) < policy.minimum_rows:
        raise EvidenceMissing(
            f"{model} has {len(labels)} labelled rows from {window.start_at:%Y-%m-%d} to {window.split_at:%Y-%m-%d}; "
            f"its policy needs {policy.minimum_rows}. Ingest and materialize more, or widen the window."
        )
    positives = int(labels.sum())
    if positives in (0, len(labels)):
        raise EvidenceMissing(f"all {len(labels)} rows of {model} have label {int(labels[0])}; both classes are needed")
    if judged == 0:
        raise EvidenceMissing(
            f"{model} has no labelled row from {window.split_at:%Y-%m-%d} to {window.end_at:%Y-%m-%d} to judge on"
        )
