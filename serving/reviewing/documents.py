"""A review as JSON: for the caller whose prediction it is, and for the person who looks at it."""

import msgspec

from lifecycle.review import Reviewed


def as_caller_sees(review: Reviewed) -> dict[str, object]:
    """Return state, and the person's word with who, why and when once it is there."""
    return {
        "prediction_id": review.prediction_id,
        "model": review.model,
        "version": review.version,
        "kind": review.kind.value,
        "state": review.state.value,
        "probability": review.score,
        "decision": review.decision,
        "due_at": review.due_at,
        "answer": review.answer,
        "answered_by": review.answered_by,
        "because": review.because,
        "answered_at": review.answered_at,
    }


def as_reviewer_sees(review: Reviewed) -> dict[str, object]:
    """Return the same with the question, and with who looks at it until when."""
    return as_caller_sees(review) | {
        "example_id": review.example_id,
        "request": msgspec.Raw(review.request.encode()),
        "decided_by": review.decided_by,
        "tenant": review.tenant,
        "served_at": review.served_at,
        "claimed_by": review.claimed_by,
        "claimed_until": review.claimed_until,
    }
