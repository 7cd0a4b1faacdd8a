"""Which answers a person looks at, how soon, and who is called when nobody did."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Protocol

from pydantic import Field as Limit

from lifecycle.decision_policy import DecisionPolicy
from lifecycle.errors import InvalidInput, NotPermitted
from lifecycle.misfit import Misfit
from lifecycle.people import Override, Person
from lifecycle.section import Fraction, Positive, PositiveNumber, Section


class ReviewPolicy(Section):
    """Answers that are unsure wait for a person, and some of the sure ones are looked at to see how good they are.

    Unsure is an answer that one of `unsure_decided_by`, the ids of safety filters or overrides, decided, and one that
    the threshold decided on a score within `unsure_within` of it. Of all others `audit_share` are sampled.
    An unsure answer that waited `answer_within_hours` is escalated to `escalate_to`, one of the policy's people.
    While `most_open` of a kind, unsure or sampled, wait for people, nobody is asked about further ones of it.
    """

    unsure_within: Fraction
    unsure_decided_by: tuple[str, ...]
    audit_share: Fraction
    most_open: Positive
    answer_within_hours: PositiveNumber
    claim_minutes: PositiveNumber
    escalate_to: Annotated[str, Limit(min_length=1)]


class HasReview(Protocol):
    """A policy, as far as reviews go."""

    @property
    def review(self) -> ReviewPolicy | None:
        """Which answers people look at."""
        ...

    @property
    def people(self) -> tuple[Person, ...]:
        """Who may do what."""
        ...


def review_misfits(
    review: ReviewPolicy | None, decision: DecisionPolicy, people: tuple[Person, ...]
) -> Iterator[Misfit]:
    """Yield each place at which reviews speak of a rule or of a person that the policy does not have."""
    if review is None:
        return
    ids = [*(rule.id for rule in decision.safety_filters), *(rule.id for rule in decision.overrides)]
    for at, name in enumerate(review.unsure_decided_by):
        if name not in ids:
            reason = f"{name!r} is no safety filter or override; allowed: {', '.join(ids) or 'none'}"
            yield Misfit(("review", "unsure_decided_by", at), reason)
    able = [person.name for person in people if Override.REVIEW in person.may]
    if review.escalate_to not in able:
        reason = (
            f"{review.escalate_to!r} may not review; allowed: {', '.join(able) or 'nobody yet'}. "
            "Give somebody in `people` the word review"
        )
        yield Misfit(("review", "escalate_to"), reason)


def reviewable_by(
    policies: Mapping[str, HasReview], permitted: Callable[[tuple[Person, ...]], str]
) -> tuple[str, Mapping[str, float]]:
    """Return the name of a person and, by model, for how many minutes an answer is theirs once they took it.

    `permitted` returns the name under which they review a model with such people, or raises NotPermitted; models that
    refuse them are left out. Raises NotPermitted when all do, InvalidInput when no model has reviews.
    """
    minutes: dict[str, float] = {}
    refusal: NotPermitted | None = None
    who = ""
    for model, policy in policies.items():
        if policy.review is None:
            continue
        try:
            who = permitted(policy.people)
        except NotPermitted as error:
            refusal = error
        else:
            minutes[model] = policy.review.claim_minutes
    if minutes:
        return who, minutes
    if refusal is not None:
        raise refusal
    raise InvalidInput(f"people review no answers of {', '.join(policies) or 'any model'}: the policy has no `review`")
