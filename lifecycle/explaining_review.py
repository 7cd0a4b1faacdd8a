"""Which answers people look at, as English sentences."""

from collections.abc import Iterator

from lifecycle.explaining_rules import in_hundred, listed
from lifecycle.review_policy import ReviewPolicy


def explain_review(review: ReviewPolicy | None) -> Iterator[str]:
    """Yield what makes an answer unsure, who looks at it, by when, and what follows if nobody does.

    >>> list(explain_review(None))
    ['None: every answer is final as it goes out, and nobody is asked.']
    """
    if review is None:
        yield "None: every answer is final as it goes out, and nobody is asked."
        return
    reasons = []
    if review.unsure_within:
        reasons.append(f"its probability is within {review.unsure_within * 100:g} points of the threshold")
    if review.unsure_decided_by:
        reasons.append(f"the rule {listed(review.unsure_decided_by, 'or')} decided it")
    if reasons:
        yield f"An answer is provisional when {' or when '.join(reasons)}. It says so, and a person is asked."
        yield (
            f"Whoever takes such an answer has {review.claim_minutes:g} minutes for it before somebody else may. After "
            f"{review.answer_within_hours:g} hours without a person's word {review.escalate_to} is called, once."
        )
    if review.audit_share:
        yield (
            f"Of the sure answers {in_hundred(review.audit_share)} are looked at as well, to see how often people "
            "agree."
        )
    kinds = (("unsure", bool(reasons)), ("sampled", bool(review.audit_share)))
    bounds = [f"{review.most_open:,} {kind} answers" for kind, asked in kinds if asked]
    if bounds:
        yield (
            f"At most {' and '.join(bounds)} wait at a time. While so many do, nobody is asked about further ones. "
            "Those are counted."
        )
    yield "What a person says counts as the outcome, and versions learn from it."
