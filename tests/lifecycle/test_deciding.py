"""The decision layer: what an answer says, and what decided it."""

import numpy as np
import pytest

from lifecycle.contract import Contract, Field, FieldType
from lifecycle.deciding import decide_actions, undecidable
from lifecycle.decision_policy import (
    DecisionOverride,
    DecisionPolicy,
    FieldCondition,
    SafetyFilter,
    UnsureCondition,
)

CONTRACT = Contract(
    model="m",
    version=1,
    fields=(
        Field(name="carrier", type=FieldType.STRING, description="", example="AA", pattern="^[A-Z]{2}$", nullable=True),
        Field(name="origin", type=FieldType.STRING, description="", example="EWR", allowed=("EWR", "JFK")),
        Field(name="miles", type=FieldType.NUMBER, description="", example=1.0, minimum=0, maximum=9),
    ),
)


def override(name: str, field: str, *values: str, decide: str = "ask") -> DecisionOverride:
    """Return an override for the rows whose field has one of the values."""
    return DecisionOverride(
        id=name, when=FieldCondition(field=field, is_one_of=values), decide=decide, because="It was decided."
    )


def unsure(name: str, at_least: int, decide: str = "unsure") -> SafetyFilter:
    """Return a filter for rows with so many defaulted features."""
    when = UnsureCondition(defaulted_features_at_least=at_least)
    return SafetyFilter(id=name, when=when, decide=decide, because="It was decided.")


def layer(*rules: DecisionOverride | SafetyFilter) -> DecisionPolicy:
    """Return a decision layer with a threshold of one half."""
    return DecisionPolicy(
        threshold=0.5,
        positive="yes",
        negative="no",
        overrides=tuple(rule for rule in rules if isinstance(rule, DecisionOverride)),
        safety_filters=tuple(rule for rule in rules if isinstance(rule, SafetyFilter)),
    )


def texts(*values: str | None) -> np.ndarray:
    """Return text values as request columns hold them."""
    return np.array(values, dtype=object)


def test_the_threshold_itself_is_positive() -> None:
    """At or above is positive, below is negative, and nothing else decided."""
    found = decide_actions(layer(), {}, np.array([0.5, np.nextafter(0.5, 0), 1.0]), np.zeros(3, dtype=int))
    assert found == (["yes", "no", "yes"], [None, None, None])


def test_an_override_decides_its_rows_and_no_others() -> None:
    """A null and another value are left to the threshold."""
    columns = {"carrier": texts("AA", None, "BB", "CC")}
    policy = layer(override("no-warnings", "carrier", "AA", "CC"))
    found = decide_actions(policy, columns, np.array([0.9, 0.9, 0.1, 0.1]), np.zeros(4, dtype=int))
    assert found == (["ask", "yes", "no", "ask"], ["no-warnings", None, None, "no-warnings"])


def test_of_two_overrides_the_first_in_the_policy_decides() -> None:
    """The order in the file is the order of precedence."""
    policy = layer(override("first", "carrier", "AA", decide="one"), override("second", "origin", "EWR", decide="two"))
    columns = {"carrier": texts("AA", "BB"), "origin": texts("EWR", "EWR")}
    found = decide_actions(policy, columns, np.array([0.9, 0.9]), np.zeros(2, dtype=int))
    assert found == (["one", "two"], ["first", "second"])


def test_a_safety_filter_stands_above_overrides_and_threshold() -> None:
    """Who knows too little does not follow an override either; of two filters the first decides."""
    policy = layer(override("first", "carrier", "AA"), unsure("blind", 30, "blind"), unsure("dim", 3))
    columns = {"carrier": texts("AA", "AA", "AA", "BB")}
    found = decide_actions(policy, columns, np.full(4, 0.9), np.array([30, 3, 2, 0]))
    assert found == (["blind", "unsure", "ask", "yes"], ["blind", "dim", "first", None])


def test_no_rows_give_no_decisions() -> None:
    """An empty batch is no special case."""
    policy = layer(override("first", "carrier", "AA"), unsure("dim", 3))
    assert decide_actions(policy, {"carrier": texts()}, np.empty(0), np.empty(0, dtype=int)) == ([], [])


def test_overrides_that_requests_can_meet_are_decidable() -> None:
    """Text fields with values that the contract lets in."""
    whole = layer(override("first", "carrier", "AA"), override("second", "origin", "JFK"))
    assert undecidable(whole, CONTRACT) == ()


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            override("o", "carier", "AA"),
            "o asks about 'carier', which is no text field of contract m_v1; allowed: c",
        ),
        (override("o", "miles", "3"), "o asks about 'miles', which is no text field"),
        (override("o", "origin", "XYZ"), "o waits for origin 'XYZ', which m_v1 refuses; allowed: one of EWR"),
        (override("o", "carrier", "aa"), "o waits for carrier 'aa', which m_v1 refuses"),
    ],
)
def test_an_override_that_no_request_can_meet_is_refused(rule: DecisionOverride, words: str) -> None:
    """A rule that would never apply is a mistake, and its field and the allowed ones are named."""
    (misfit,) = undecidable(layer(rule), CONTRACT)
    assert words in misfit.reason
