"""What a request waits for, and what it gets.

These are made for every request, and a struct of msgspec is made in an eighth of the time of a frozen dataclass.
"""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from serving.caller import ANYBODY, Caller
from serving.claim import Claim
from serving.rows import Row, RowCodec

MODEL_TIER = "model"


class Original(msgspec.Struct, frozen=True, gc=False):
    """Rows as their caller wrote them, in another contract than that of the version that answers."""

    codec: RowCodec
    rows: Sequence[Row]

    @property
    def contract(self) -> str:
        """Name of the caller's contract."""
        return self.codec.contract.name


class Ask(msgspec.Struct, frozen=True, gc=False):
    """One accepted request: its typed rows, and the moments and times that the log records.

    `submitted` is in monotonic seconds, `decode_us` in microseconds. `numbers` are the rows' places in the request,
    None when these are all of its rows. `caller` is who asks. `rows` are in the contract of the version that answers;
    `original` holds them as the caller wrote them, None when that is the same. `instead` is what the champion is asked
    when a version on trial does not answer, None when it is this. `claim` names the rows of a keyed request.
    `fresh` asks for an answer that was not given before, and `unkept` for one that is not kept to be given again. A
    `downgraded` ask has cheap answers alone.
    """

    rows: Sequence[Row]
    request_id: str
    decode_us: int
    submitted: float
    numbers: Sequence[int] | None = None
    caller: Caller = ANYBODY
    original: Original | None = None
    instead: "Ask | None" = None
    claim: Claim | None = None
    fresh: bool = False
    unkept: bool = False
    downgraded: bool = False

    def part(self, numbers: Sequence[int]) -> "Ask":
        """Return the ask for some of its rows, by their places in it."""
        original = self.original
        if original is not None:
            original = replace(original, rows=[original.rows[row] for row in numbers])
        places = numbers if self.numbers is None else [self.numbers[row] for row in numbers]
        return replace(self, rows=[self.rows[row] for row in numbers], numbers=places, original=original)


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The logged predictions of one request, row by row.

    `version` is the champion's where several versions answered; `versions` then says which, row by row. `tier` is
    "model", "small" or "cache" where something cheaper answered, or "rule" where the model's rule stands in for the
    version; `tiers` says which, row by row, where several answered.
    `defaulted` names per row the features that a declared default stood in for. `feature_age_seconds` is
    the age of the oldest looked-up row at its prediction moment, views of standing facts aside; None without one.
    `contract` is the one by which the version answered, `contracts` says which where versions of several did;
    `request_contract` is the caller's own.
    `provisional` says per row whether a person is still to look at it, None when that holds for no row.
    `reviewed` is what a person said of each row, None of a row that nobody looked at, and in all where nobody did.
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
    reviewed: Sequence[int | None] | None = None
    request_contract: str = ""
    contracts: Sequence[str] | None = None

    @property
    def was_translated(self) -> bool:
        """Whether any of its rows was answered in another contract than the caller's."""
        return self.contracts is not None or self.request_contract not in ("", self.contract)
