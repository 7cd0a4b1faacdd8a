"""How a score becomes an action: a threshold, and the rules that stand above it."""

from typing import Annotated

from pydantic import Field as Limit

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
