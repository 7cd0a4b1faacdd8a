"""How a score becomes an action: a threshold, and the rules that stand above it."""

from typing import Annotated, Self

from pydantic import Field as Limit
from pydantic import model_validator

from lifecycle.misfit import Misplaced, Where, repeated
from lifecycle.section import Fraction, Positive, Section


class FieldCondition(Section):
    """Holds for the rows whose request field has one of the values; text fields only."""

    field: str
    is_one_of: Annotated[tuple[str, ...], Limit(min_length=1)]


class DecisionOverride(Section):
    """An action that stands whatever the score says, for some requests."""

    id: str
    when: FieldCondition
    decide: str
    because: str


class UnsureCondition(Section):
    """Holds for the rows of which so many features had to be filled by their declared defaults."""

    defaulted_features_at_least: Positive


class SafetyFilter(Section):
    """An action for answers that rest on too little."""

    id: str
    when: UnsureCondition
    decide: str
    because: str


class DecisionPolicy(Section):
    """How a score becomes an action; the first that applies: safety filters, overrides, the threshold.

    By the threshold it is `positive` at or above it, else `negative`.
    """

    threshold: Fraction
    positive: str
    negative: str
    overrides: tuple[DecisionOverride, ...]
    safety_filters: tuple[SafetyFilter, ...]

    @model_validator(mode="after")
    def _decisions_can_be_told_apart(self) -> Self:
        if self.positive == self.negative:
            raise ValueError(f"positive and negative are both {self.positive!r}; give each its own word")
        overrides: dict[Where, str] = {
            ("overrides", at, "id"): override.id for at, override in enumerate(self.overrides)
        }
        filters: dict[Where, str] = {
            ("safety_filters", at, "id"): unsure.id for at, unsure in enumerate(self.safety_filters)
        }
        misfits = repeated({**overrides, **filters})
        if misfits:
            raise Misplaced(misfits)
        return self
