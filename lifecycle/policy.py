"""The written policy of one model, as frozen values. The files live in policies/."""

import hashlib
import json
from typing import Annotated, Literal, Self

from pydantic import Field as Limit
from pydantic import model_validator

from lifecycle.cache_policy import CachePolicy
from lifecycle.cascade_policy import CascadePolicy
from lifecycle.decision_policy import DecisionPolicy
from lifecycle.idempotency_policy import IdempotencyPolicy
from lifecycle.jobs_policy import JobsPolicy
from lifecycle.log_policy import LogPolicy
from lifecycle.misfit import Misfit, Misplaced, Where, repeated
from lifecycle.people import Person
from lifecycle.prices_policy import BudgetsPolicy, PricesPolicy
from lifecycle.resources_policy import ResourcesPolicy
from lifecycle.review_policy import ReviewPolicy, review_misfits
from lifecycle.rollout_policy import PickUpPolicy, RolloutPolicy
from lifecycle.section import Positive, Section
from lifecycle.small_policy import SmallPolicy
from lifecycle.tiers_policy import TiersPolicy
from lifecycle.watching_policy import RetrainingPolicy, WatchingPolicy


class ServingPolicy(Section):
    """Limits of the serving path; sizes in rows and bytes, times in milliseconds.

    Without `prices` nothing that is answered has a cost, without `cascade` and `cache` every answer is computed by
    the version, and without `budgets` nobody's spending ends.
    """

    max_rows_per_request: Positive
    max_body_bytes: Positive
    max_batch_rows: Positive
    max_added_wait_ms: Annotated[float, Limit(ge=0)]
    max_queued_requests: Positive
    feature_cache_seconds: Annotated[float, Limit(ge=0)]
    prices: PricesPolicy | None = None
    cascade: CascadePolicy | None = None
    cache: CachePolicy | None = None
    budgets: BudgetsPolicy | None = None

    @model_validator(mode="after")
    def _budgets_can_be_spent(self) -> Self:
        if self.budgets is not None and self.prices is None:
            raise ValueError("budgets are there and prices are not; add prices, because without them nothing is spent")
        return self


class CostPolicy(Section):
    """What each wrong answer costs the business, in one currency unit of the model's owner."""

    false_alarm: Annotated[float, Limit(ge=0)]
    missed: Annotated[float, Limit(ge=0)]


class BoosterPolicy(Section):
    """How each tree is grown; the words are XGBoost's own, so its pages explain them."""

    max_depth: Annotated[int, Limit(ge=1, le=16)]
    learning_rate: Annotated[float, Limit(gt=0, le=1)]
    subsample: Annotated[float, Limit(gt=0, le=1)]
    colsample_bytree: Annotated[float, Limit(gt=0, le=1)]
    min_child_weight: Annotated[float, Limit(ge=0)]
    reg_lambda: Annotated[float, Limit(ge=0)]


class TrainingPolicy(Section):
    """Which window a training uses and how the booster is grown.

    `minimum_rows` are needed to learn from at all, `minimum_validation_rows` to judge by. Without `small` a version
    has no small model beside it.
    """

    window_days: Positive
    validation_days: Positive
    label_maturity_hours: Annotated[float, Limit(ge=0)]
    minimum_rows: Positive
    minimum_validation_rows: Positive
    seed: Annotated[int, Limit(ge=0)]
    rounds: Positive
    parameters: BoosterPolicy
    small: SmallPolicy | None = None

    @model_validator(mode="after")
    def _validation_is_inside_the_window(self) -> Self:
        if self.validation_days >= self.window_days:
            raise ValueError(
                f"validation_days ({self.validation_days}) must be less than window_days ({self.window_days})"
            )
        return self


MetricName = Literal["auc", "average_precision", "brier", "log_loss", "calibration_error", "cost_per_row"]
Rival = Literal["logistic_regression", "rule", "champion"]


class GateRequirement(Section):
    """One thing the offline gate requires of a candidate: a limit, or a rival to beat.

    With `in_slices_of`, it holds for every value of those slices that has `minimum_rows` rows.
    """

    metric: MetricName
    at_least: float | None = None
    at_most: float | None = None
    better_than: Rival | None = None
    by_at_least: float | None = None
    in_slices_of: tuple[str, ...] = ()
    minimum_rows: Positive | None = None

    @model_validator(mode="after")
    def _says_exactly_one_thing(self) -> Self:
        said = [self.at_least is not None, self.at_most is not None, self.better_than is not None]
        if sum(said) != 1:
            raise ValueError("give exactly one of at_least, at_most and better_than")
        if (self.better_than is None) != (self.by_at_least is None):
            raise ValueError("better_than and by_at_least go together")
        if bool(self.in_slices_of) != (self.minimum_rows is not None):
            raise ValueError("in_slices_of and minimum_rows go together")
        return self


class GateRule(Section):
    """A named requirement and the reason people gave for it."""

    id: str
    require: GateRequirement
    because: str


class Policy(Section):
    """Everything a model's owners have decided in writing."""

    model: str
    owner: str
    serving: ServingPolicy
    resources: ResourcesPolicy
    tiers: TiersPolicy
    idempotency: IdempotencyPolicy
    decision: DecisionPolicy
    cost: CostPolicy
    training: TrainingPolicy
    offline_gate: Annotated[tuple[GateRule, ...], Limit(min_length=1)]
    pick_up: PickUpPolicy
    rollout: RolloutPolicy
    watching: WatchingPolicy
    retraining: RetrainingPolicy
    review: ReviewPolicy | None = None
    log: LogPolicy | None = None
    jobs: JobsPolicy
    people: tuple[Person, ...]

    @model_validator(mode="after")
    def _names_fit_each_other(self) -> Self:
        gate: dict[Where, str] = {("offline_gate", at, "id"): rule.id for at, rule in enumerate(self.offline_gate)}
        rollout: dict[Where, str] = {
            ("rollout", "rules", at, "id"): rule.id for at, rule in enumerate(self.rollout.rules)
        }
        quality: dict[Where, str] = {
            ("watching", "quality", "rules", at, "id"): rule.id for at, rule in enumerate(self.watching.quality.rules)
        }
        people: dict[Where, str] = {("people", at, "name"): person.name for at, person in enumerate(self.people)}
        misfits = [misfit for named in (gate, rollout, quality, people) for misfit in repeated(named)]
        misfits += review_misfits(self.review, self.decision, self.people)
        if misfits:
            raise Misplaced(misfits)
        return self

    @model_validator(mode="after")
    def _cascade_has_a_small_model(self) -> Self:
        if self.serving.cascade is not None and self.training.small is None:
            reason = "a small model is to answer, but training.small says nothing of one; add it, or leave cascade out"
            raise Misplaced([Misfit(("serving", "cascade"), reason)])
        return self

    def revision(self) -> str:
        """Return 12 hex digits that change exactly when the policy's meaning does."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]
