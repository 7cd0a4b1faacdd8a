"""How the queue of reviews stands, as figures."""

from collections.abc import Sequence

from serving.metrics.figures import Figures
from serving.metrics.loop_families import (
    REVIEW_AGREEMENT,
    REVIEW_OLDEST,
    REVIEWS_ANSWERED,
    REVIEWS_NOT_ENTERED,
    REVIEWS_OPEN,
    REVIEWS_OVERDUE,
)
from stores.ledger.review_figures import ReviewFigures


def tell_reviews(figures: Figures, model: str, found: Sequence[ReviewFigures]) -> None:
    """Set the figures of each kind of a model's reviews; an agreement of nobody is left out."""
    for one in found:
        labels = (model, one.kind.value)
        figures.set(REVIEWS_OPEN, labels, float(one.open))
        figures.set(REVIEWS_OVERDUE, labels, float(one.overdue))
        figures.set(REVIEW_OLDEST, labels, one.oldest_seconds or 0.0)
        figures.set(REVIEWS_ANSWERED, labels, float(one.answered))
        figures.set(REVIEWS_NOT_ENTERED, labels, float(one.not_entered))
        if one.agreement is not None:
            figures.set(REVIEW_AGREEMENT, labels, one.agreement)
