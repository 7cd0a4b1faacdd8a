"""What a request waits for, and what it gets."""

from collections.abc import Sequence
from dataclasses import dataclass

from serving.caller import ANYBODY, Caller
from serving.rows import Row

MODEL_TIER = "model"


@dataclass(frozen=True, slots=True)
class Ask:
    """One accepted request: its typed rows, and the moments and times that the log records.

    `submitted` is in monotonic seconds, `decode_us` in microseconds. `numbers` are the rows' places in the request,
    None when these are all of its rows. `caller` is who asks.
    """

    rows: Sequence[Row]
    request_id: str
    decode_us: int
    submitted: float
    numbers: Sequence[int] | None = None
    caller: Caller = ANYBODY


@dataclass(frozen=True, slots=True)
class Answer:
    """The logged predictions of one request, row by row.

    `version` is the champion's where several versions answered; `versions` then says which, row by row. `tier` is
    "model", or "rule" where the model's rule stands in for the version; `tiers` says which where both answered.
    `defaulted` names per row the features that a declared default stood in for. `feature_age_seconds` is
    the age of the oldest looked-up row at its prediction moment, views of standing facts aside; None without one.
    `provisional` says per row whether a person is still to look at it, None when that holds for no row.
    """

    model: str
    version: str
    contract: str
    plan_revision: int
    prediction_ids: Sequence[str]
    probabilities: Sequence[float]
    decisions: Sequence[str]
    defaulted: Sequence[Sequence[str]]
    feature_age_seconds: float | None
    versions: Sequence[str] | None = None
    tier: str = MODEL_TIER
    tiers: Sequence[str] | None = None
    provisional: Sequence[bool] | None = None
