"""The written rules by which a version earns traffic and loses it."""

from itertools import pairwise
from typing import Annotated, Literal, Self, get_args

from pydantic import Field as Limit
from pydantic import model_validator

from lifecycle.section import NotNegative, Positive, PositiveNumber, Probability, Section

ArmName = Literal["shadow", "canary", "champion"]
Format = Literal["xgboost-ubj", "xgboost-json", "sklearn-skops", "sklearn-pickle", "onnx"]
RateMetric = Literal["error_rate", "decision_disagreement"]
LatencyMetric = Literal["latency_p50_ms", "latency_p90_ms", "latency_p95_ms", "latency_p99_ms"]
MeanMetric = Literal["score_difference", "log_loss", "brier", "cost_per_row"]
LevelMetric = Literal["memory_mb"]
RolloutMetric = Literal[RateMetric, LatencyMetric, MeanMetric, LevelMetric]
QUANTILES: dict[str, float] = {
    "latency_p50_ms": 0.5,
    "latency_p90_ms": 0.9,
    "latency_p95_ms": 0.95,
    "latency_p99_ms": 0.99,
}
NEEDS_LABELS = frozenset({"log_loss", "brier", "cost_per_row"})
ONLY_PAIRED = frozenset({"decision_disagreement", "score_difference"})
"""Compare two answers to one request, which only a shadow has; their baseline is the champion by nature."""
RATES: frozenset[str] = frozenset(get_args(RateMetric))
"""Shares of answers, from 0 to 1."""
NEVER_COMPARED = frozenset({*ONLY_PAIRED, "memory_mb"})
LARGEST_SHARE = 0.5
"""An equally large control group of the champion stands beside the canary, so no canary has more than half."""


class PickUpPolicy(Section):
    """What a version must be like before any traffic meets it; `latency` is of its own example, alone."""

    allowed_formats: Annotated[tuple[Format, ...], Limit(min_length=1)]
    max_artifact_mb: PositiveNumber
    max_latency_ms_1_row: PositiveNumber
    max_latency_ms_64_rows: PositiveNumber


class ShadowPolicy(Section):
    """The trial nobody sees. A shadow beyond its memory or its deadline is ended and counts as failed."""

    minimum_hours: NotNegative
    minimum_answers: Positive
    minimum_labels: Annotated[int, Limit(ge=0)]
    longest_hold_hours: PositiveNumber
    queue_batches: Positive
    memory_limit_mb: PositiveNumber
    batch_deadline_ms: PositiveNumber


class CanaryStep(Section):
    """One step: the share of units, and what must have passed before the next; each earns its own evidence."""

    share: Annotated[float, Limit(gt=0, le=LARGEST_SHARE)]
    minimum_hours: NotNegative
    minimum_answers: Positive
    minimum_labels: Annotated[int, Limit(ge=0)]


class CanaryPolicy(Section):
    """The trial on real users. An answer later than the deadline is the champion's, and a failure of the canary."""

    deadline_ms: PositiveNumber
    longest_hold_hours: PositiveNumber
    steps: Annotated[tuple[CanaryStep, ...], Limit(min_length=1)]

    @model_validator(mode="after")
    def _steps_rise(self) -> Self:
        shares = [step.share for step in self.steps]
        if any(later <= earlier for earlier, later in pairwise(shares)):
            shown = ", ".join(f"{share:g}" for share in shares)
            raise ValueError(f"the shares of the steps are {shown}; allowed: each larger than the one before")
        slowest = max(step.minimum_hours for step in self.steps)
        if slowest > self.longest_hold_hours:
            raise ValueError(
                f"a step takes at least {slowest:g} hours, but longest_hold_hours is {self.longest_hold_hours:g}; "
                "allow the longest hold to be longer"
            )
        return self


class ChampionPolicy(Section):
    """The watch over the version that serves: how rarely its rules may fire with nothing wrong."""

    window_hours: PositiveNumber
    false_alarm_every_days: PositiveNumber


class Condition(Section):
    """What harm is: an arm's metric above a limit, or worse than the champion's by more than a margin.

    `by_more_than` is in the metric's own unit, `by_more_than_percent` relative, for latency alone. With `in_slices_of`
    it is asked of each value of those slices, of the `slices_at_most` that are seen first.
    """

    metric: RolloutMetric
    arm: ArmName
    worse_than: Literal["champion"] | None = None
    by_more_than: NotNegative | None = None
    by_more_than_percent: NotNegative | None = None
    above: NotNegative | None = None
    in_slices_of: tuple[str, ...] = ()
    slices_at_most: Positive | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.above is None) == (self.worse_than is None):
            raise ValueError("give exactly one of above and worse_than")
        margins = [margin for margin in (self.by_more_than, self.by_more_than_percent) if margin is not None]
        if len(margins) != (0 if self.worse_than is None else 1):
            raise ValueError("worse_than needs one of by_more_than and by_more_than_percent, and above needs neither")
        if bool(self.in_slices_of) != (self.slices_at_most is not None):
            raise ValueError("in_slices_of and slices_at_most go together")
        return self

    @model_validator(mode="after")
    def _can_be_measured(self) -> Self:
        if self.worse_than and self.metric in NEVER_COMPARED:
            raise ValueError(f"{self.metric} has no champion's value to compare with; use above")
        if self.worse_than and self.arm == "champion":
            raise ValueError("the champion cannot be worse than itself; use above")
        if self.metric in ONLY_PAIRED and self.arm != "shadow":
            raise ValueError(f"{self.metric} compares two answers to one request, which only the shadow has")
        if self.metric == "memory_mb" and (self.arm != "shadow" or self.in_slices_of):
            raise ValueError("memory_mb is known of the shadow's process as a whole, and of no other arm")
        if self.metric in QUANTILES and self.arm == "shadow" and self.worse_than:
            raise ValueError("the shadow runs at the lowest priority, so its latency does not compare; use above")
        if (self.by_more_than_percent is not None) != (self.metric in QUANTILES and self.worse_than is not None):
            raise ValueError("a latency is compared by by_more_than_percent, every other metric by by_more_than")
        for name, limit in (("above", self.above), ("by_more_than", self.by_more_than)):
            if self.metric in RATES and limit is not None and limit >= 1:
                raise ValueError(f"{name} is {limit:g}, but {self.metric} is a share of answers; allowed: below 1")
        return self


class RolloutRule(Section):
    """A named harm, what follows when it is proven, and the reason people gave.

    Until it is proven absent nothing advances, unless `veto_only`: then only proof of harm counts.
    """

    id: str
    when: Condition
    then: Literal["reject", "roll_back", "hold"]
    veto_only: bool
    because: str

    @model_validator(mode="after")
    def _fits_its_arm(self) -> Self:
        wrong = "roll_back" if self.when.arm == "shadow" else "reject"
        if self.then == wrong:
            right = "reject" if wrong == "roll_back" else "roll_back"
            raise ValueError(f"a {self.when.arm} cannot be told to {wrong}; allowed: {right}, hold")
        return self


class RolloutPolicy(Section):
    """How a version goes from shadow to champion, and back.

    `unit` names the request fields whose values decide together who is in the canary. `error_probability` is the
    chance, over one whole rollout, that any of its rules takes back a version that is no worse; it is split evenly.
    """

    unit: Annotated[tuple[str, ...], Limit(min_length=1)]
    error_probability: Probability
    shadow: ShadowPolicy
    canary: CanaryPolicy
    champion: ChampionPolicy
    rules: Annotated[tuple[RolloutRule, ...], Limit(min_length=1)]

    @model_validator(mode="after")
    def _every_arm_is_watched(self) -> Self:
        watched = {
            rule.when.arm for rule in self.rules if rule.when.metric == "error_rate" and not rule.when.in_slices_of
        }
        missing = [arm for arm in ("shadow", "canary", "champion") if arm not in watched]
        if missing:
            raise ValueError(
                f"no rule limits the error_rate of the {' and the '.join(missing)}; add one, so that a version that "
                "answers nothing cannot pass"
            )
        if self.shadow.minimum_hours > self.shadow.longest_hold_hours:
            raise ValueError(
                f"shadow.minimum_hours is {self.shadow.minimum_hours:g}, beyond longest_hold_hours "
                f"{self.shadow.longest_hold_hours:g}; allow the longest hold to be longer"
            )
        return self

    @model_validator(mode="after")
    def _every_limit_can_be_met(self) -> Self:
        ended: dict[tuple[str, str], tuple[str, float]] = {
            ("shadow", "memory"): ("shadow.memory_limit_mb", self.shadow.memory_limit_mb),
            ("shadow", "latency"): ("shadow.batch_deadline_ms", self.shadow.batch_deadline_ms),
            ("canary", "latency"): ("canary.deadline_ms", self.canary.deadline_ms),
        }
        for rule in self.rules:
            key, most = ended.get((rule.when.arm, rule.when.metric.split("_")[0]), ("", float("inf")))
            if rule.when.above is not None and rule.when.above >= most:
                raise ValueError(
                    f"{rule.id} waits for {rule.when.metric} above {rule.when.above:g}, but {key} ends it at {most:g}; "
                    "allowed: a limit below that"
                )
        return self

    def rules_of(self, arm: ArmName) -> tuple[RolloutRule, ...]:
        """Return the rules of one arm, in the policy's order."""
        return tuple(rule for rule in self.rules if rule.when.arm == arm)
