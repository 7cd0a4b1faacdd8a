"""What was seen of an arm: counts and sums, enough to judge every rule of its policy again, and no more."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Limit

from lifecycle.rollout_policy import ArmName


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Tally(_Value):
    """How many of some independent observations were events."""

    events: Annotated[int, Limit(ge=0)]
    observations: Annotated[int, Limit(ge=0)]


class Rates(_Value):
    """Events of the candidate and, when it is compared, of its baseline, which has the same share of the units.

    An observation is a unit and an hour of the prediction moment: what a unit asks again within it counts once, and
    is an event when any of it was. Paired, an event is one that only this one of the two had.
    """

    kind: Literal["rates"] = "rates"
    candidate: Tally
    baseline: Tally | None


class Latencies(_Value):
    """Slow answers; an observation is a micro-batch, whose rows share their fate.

    Compared with a baseline, `mark_ms` is the rule's quantile of the baseline's first observations, which are
    counted nowhere else; None while they are too few. `beyond` are the candidate's above the mark and the rule's
    margin on top, `at_mark` both arms' above the mark. Against a limit, `mark_ms` is that limit, and `beyond`
    equals `at_mark.candidate`.
    """

    kind: Literal["latencies"] = "latencies"
    mark_ms: float | None
    at_mark: Rates
    beyond: Tally


class Means(_Value):
    """Sums over clusters of rows that share their fate, such as an hour's; paired when each row has both values.

    A cluster's vector is (candidate sum, candidate rows, baseline sum, baseline rows). `totals` is the sum of the
    vectors, `products` the sum of their outer products, row by row: (4,) and (16,). Without a baseline its parts are 0.
    """

    kind: Literal["means"] = "means"
    clusters: Annotated[int, Limit(ge=0)]
    totals: tuple[float, float, float, float]
    products: Annotated[tuple[float, ...], Limit(min_length=16, max_length=16)]


class Level(_Value):
    """A level that was read off, the highest seen; None when nobody has."""

    kind: Literal["level"] = "level"
    value: float | None


class Series(_Value):
    """Tallies of consecutive spans of `span_seconds`, oldest first: what a change is found in."""

    kind: Literal["series"] = "series"
    span_seconds: float
    tallies: tuple[Tally, ...]


Measured = Annotated[Rates | Latencies | Means | Level | Series, Limit(discriminator="kind")]


class SliceEvidence(_Value):
    """What one rule asks about, of all rows ("") or of one slice, such as "carrier=AA"."""

    where: str
    measured: Measured


class RuleEvidence(_Value):
    """One rule's evidence; slices in the order in which they were first seen."""

    rule_id: str
    slices: tuple[SliceEvidence, ...]


class Evidence(_Value):
    """Everything gathered about one version in one arm, since a plan revision and until a moment.

    `answers` counts its attempts at request rows, failed ones included, `labelled` those whose label has come in by
    `labels_until_at`. `dropped` counts mirrored rows that never reached a shadow. `trouble` says why the version
    does not stand on some replica, or how its process ended: each entry is a proven failure of the version.
    """

    arm: ArmName
    version: str
    baseline: str | None
    since_revision: int
    since_at: datetime
    until_at: datetime
    labels_until_at: datetime | None
    answers: int
    labelled: int
    dropped: int
    trouble: tuple[str, ...]
    rules: tuple[RuleEvidence, ...]
