"""Which answers people are asked about, and who may answer for them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle.decision_policy import DecisionPolicy, SafetyFilter, UnsureCondition
from lifecycle.errors import InvalidInput, NotPermitted
from lifecycle.explaining_review import explain_review
from lifecycle.people import Override, Person, require_permission
from lifecycle.policy import Policy
from lifecycle.review import ReviewKind, reviews_of
from lifecycle.review_policy import ReviewPolicy, reviewable_by
from tests.lifecycle.rollouts import two_steps

BLIND = SafetyFilter(id="blind", when=UnsureCondition(defaulted_features_at_least=1), decide="unsure", because="Blind.")
DECISION = DecisionPolicy(threshold=0.5, positive="yes", negative="no", overrides=(), safety_filters=(BLIND,))


def review_policy(**changes: Any) -> ReviewPolicy:
    """Return a policy that finds answers unsure close to the threshold, changed."""
    values: dict[str, Any] = {
        "unsure_within": 0.1,
        "unsure_decided_by": ("blind",),
        "audit_share": 0.0,
        "most_open": 1000,
        "answer_within_hours": 1,
        "claim_minutes": 10,
        "escalate_to": "on-call",
    }
    return ReviewPolicy(**values | changes)


def kinds(policy: ReviewPolicy, scores: list[float], by: list[str | None], ids: list[str]) -> list[str | None] | None:
    """Return what is asked of each row."""
    return reviews_of(policy, DECISION, np.array(scores), by, ids)


def test_score_close_to_the_threshold_and_a_filter_that_is_named_make_an_answer_provisional() -> None:
    """Of a rule that is not named, the score says nothing, however close it is."""
    found = kinds(review_policy(), [0.41, 0.59, 0.8, 0.9, 0.5], [None, None, None, "blind", "other"], list("abcde"))
    assert found == ["provisional", "provisional", None, "provisional", None]


def test_no_answer_is_unsure_where_the_band_has_no_width() -> None:
    """Not even one on the threshold itself."""
    assert kinds(review_policy(unsure_within=0), [0.5], [None], ["a"]) is None


def test_batch_of_sure_answers_asks_nothing() -> None:
    """The log's column is then a constant."""
    assert kinds(review_policy(), [0.9, 0.1], [None, None], ["a", "b"]) is None


def test_audit_is_drawn_by_the_prediction_id_alone() -> None:
    """The same ids are drawn whatever they stand beside, and about as many as the share says."""
    ids = [f"{number:032x}" for number in range(4000)]
    policy = review_policy(audit_share=0.05)
    found = kinds(policy, [0.9] * 4000, [None] * 4000, ids)
    assert found is not None
    drawn = [name for name, kind in zip(ids, found, strict=True) if kind == ReviewKind.AUDIT]
    assert 140 <= len(drawn) <= 260
    assert kinds(policy, [0.05], [None], drawn[:1]) == ["audit"]
    assert kinds(policy, [0.5], [None], drawn[:1]) == ["provisional"]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0, 1), st.floats(0, 1))
def test_every_answer_is_asked_about_where_the_policy_says_all(scores: list[float], band: float, share: float) -> None:
    """A wider band only adds provisional answers, and what is not provisional is audited at a share of 1."""
    ids = [str(number) for number in range(len(scores))]
    some = kinds(review_policy(unsure_within=band, audit_share=share), scores, [None] * len(ids), ids) or [None] * len(
        ids
    )
    every = kinds(review_policy(unsure_within=1, audit_share=share), scores, [None] * len(ids), ids)
    assert every == ["provisional"] * len(ids)
    audited = kinds(review_policy(unsure_within=band, audit_share=1), scores, [None] * len(ids), ids) or []
    assert [one == "audit" for one in audited] == [one != "provisional" for one in some]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"unsure_decided_by": ("nothing",)}, "review.unsure_decided_by[0]: 'nothing' is no safety filter or override"),
        ({"escalate_to": "bob"}, "review.escalate_to: 'bob' may not review; allowed: on-call"),
    ],
)
def test_policy_that_speaks_of_what_it_does_not_have_is_refused(changes: dict[str, Any], said: str) -> None:
    """Nobody would ever be asked, or called."""
    given = two_steps().model_dump()
    given |= {"decision": DECISION.model_dump(), "review": review_policy(**changes).model_dump()}
    with pytest.raises(ValidationError, match=said.replace("[", r"\[").replace("]", r"\]")):
        Policy.model_validate(given)


def test_policy_of_before_there_were_reviews_is_still_read() -> None:
    """Decisions keep the policy that they were made by, and are judged again by it."""
    given = two_steps().model_dump()
    del given["review"]
    assert Policy.model_validate(given).review is None


def test_person_reviews_the_models_that_let_them() -> None:
    """Of others they see nothing; where none does, they are told why."""
    ada = (Person(name="ada", may=(Override.REVIEW,)),)
    open_to_ada = two_steps().model_copy(update={"review": review_policy(), "people": ada})
    closed = open_to_ada.model_copy(update={"people": ()})

    def as_ada(people: tuple[Person, ...]) -> str:
        require_permission(people, "ada", Override.REVIEW)
        return "ada"

    assert reviewable_by({"a": open_to_ada, "b": closed, "c": two_steps()}, as_ada) == ("ada", {"a": 10})
    with pytest.raises(NotPermitted, match="may not review"):
        reviewable_by({"b": closed}, as_ada)
    with pytest.raises(InvalidInput, match="no answers of c"):
        reviewable_by({"c": two_steps()}, as_ada)


def test_explained_reviews_say_each_number_with_its_unit() -> None:
    """And leave out what the policy switches off."""
    text = " ".join(explain_review(review_policy(audit_share=0.02)))
    for words in (
        "within 10 points of the threshold",
        "the rule blind decided",
        "10 minutes",
        "1 hour",
        "on-call",
        "2 in 100",
        "At most 1,000 unsure answers and 1,000 sampled answers wait",
    ):
        assert words in text
    assert "provisional" not in " ".join(explain_review(review_policy(unsure_within=0, unsure_decided_by=())))


@pytest.mark.parametrize("most_open", [0, -1, 1.5, None])
def test_queue_of_reviews_without_a_bound_is_refused(most_open: object) -> None:
    """Nobody looks at an endless one."""
    with pytest.raises(ValidationError, match="most_open"):
        review_policy(most_open=most_open)
    values = review_policy().model_dump()
    del values["most_open"]
    with pytest.raises(ValidationError, match="most_open"):
        ReviewPolicy.model_validate(values)
