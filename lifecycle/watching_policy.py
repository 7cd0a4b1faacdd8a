"""The written rules by which the world is watched while a model serves, and what is an alarm."""

from typing import Annotated, Literal, Self

from pydantic import Field as Limit
from pydantic import model_validator

from lifecycle.section import Fraction, NotNegative, Positive, PositiveNumber, Probability, Section

QualityMetric = Literal["auc", "log_loss", "brier", "calibration_error", "cost_per_row", "precision", "recall"]
HIGHER_IS_BETTER: frozenset[QualityMetric] = frozenset({"auc", "precision", "recall"})
Consequence = Literal["alarm", "retrain"]
Follows = Literal["note", Consequence]
"""What follows from a concern; nobody is called for a note, but it is kept."""


class DriftPolicy(Section):
    """What counts as a move of a feature, a score or a label away from the version's baseline.

    `window_hours` is at least a day, because only whole days are compared.
    `false_alarm_rate` is the chance that a look raises anything while nothing moved, over everything it compares.
    `minimum_effect` is in units of PSI beyond what chance alone gives at the sample's size, `minimum_missing` in
    share of rows: what is certain and smaller than both is no alarm. `features_alone` follows from features that have
    moved while scores, outcomes and quality have not, `then` from everything else.
    """

    window_hours: Annotated[float, Limit(ge=24)]
    minimum_rows: Positive
    false_alarm_rate: Probability
    minimum_effect: PositiveNumber
    minimum_missing: Annotated[float, Limit(gt=0, le=1)]
    features_alone: Follows
    then: Consequence


class OutputsPolicy(Section):
    """When the answers themselves are stopped: their mean or spread, over the last few, is not the baseline's any more.

    The breaker of the arm opens then, and the rule answers; it tries the version again after `cool_down_seconds`.
    """

    window_answers: Annotated[int, Limit(ge=10)]
    false_alarm_every_days: PositiveNumber
    cool_down_seconds: PositiveNumber
    capture_rows: Positive


class QualityCondition(Section):
    """Harm to quality: a metric beyond a fixed limit, or worse than the version's own on the rows it was accepted by.

    `above` is for metrics of which less is better, `below` for the others.
    """

    metric: QualityMetric
    worse_than: Literal["baseline"] | None = None
    by_more_than: NotNegative | None = None
    above: NotNegative | None = None
    below: Fraction | None = None
    in_slices_of: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if sum(limit is not None for limit in (self.worse_than, self.above, self.below)) != 1:
            raise ValueError("give exactly one of worse_than, above and below")
        if (self.worse_than is None) != (self.by_more_than is None):
            raise ValueError("worse_than and by_more_than go together")
        if self.above is not None and self.metric in HIGHER_IS_BETTER:
            raise ValueError(f"a high {self.metric} is no harm; use below")
        if self.below is not None and self.metric not in HIGHER_IS_BETTER:
            raise ValueError(f"a low {self.metric} is no harm; use above")
        if self.worse_than is not None and self.in_slices_of:
            raise ValueError("a baseline is kept of all rows together; for slices use above or below")
        return self


class QualityRule(Section):
    """A named harm to quality, what follows when it is proven, and the reason people gave."""

    id: str
    when: QualityCondition
    then: Consequence
    because: str


class QualityPolicy(Section):
    """How the quality of what was answered is measured once outcomes come in.

    `confidence` is of all intervals of one look together that rules ask about.
    """

    window_days: PositiveNumber
    confidence: Annotated[float, Limit(ge=0.5, lt=1)]
    minimum_labels: Positive
    rules: Annotated[tuple[QualityRule, ...], Limit(min_length=1)]


class ParityPolicy(Section):
    """How closely features computed again from stored events must match those that were served."""

    sample_rows: Positive
    relative_tolerance: NotNegative
    share_tolerated: Fraction


class WatchingPolicy(Section):
    """Everything that is looked at while a version serves."""

    drift: DriftPolicy
    outputs: OutputsPolicy
    quality: QualityPolicy
    parity: ParityPolicy


class RetrainingPolicy(Section):
    """When a version is trained anew, and how often at most.

    Cool-down and budget hold for every cause but a person. Human labels and labelled captures count by their weights,
    1 as any other row.
    """

    every_days: PositiveNumber
    new_labels: Positive
    cool_down_days: NotNegative
    at_most: Positive
    in_days: PositiveNumber
    person_weight: PositiveNumber
    captured_weight: PositiveNumber

    @model_validator(mode="after")
    def _the_schedule_fits_the_budget(self) -> Self:
        if self.every_days < self.cool_down_days:
            raise ValueError(
                f"every_days is {self.every_days:g}, but cool_down_days lets one train only every "
                f"{self.cool_down_days:g}; allowed: every_days at least that"
            )
        if self.every_days * (self.at_most + 1) <= self.in_days:
            raise ValueError(
                f"every_days is {self.every_days:g}, so within in_days, {self.in_days:g}, the schedule alone asks for "
                f"more than at_most, {self.at_most}, and nothing that moves could have a version trained; "
                f"allowed: every_days of more than {self.in_days / (self.at_most + 1):g}, or a larger at_most"
            )
        return self
