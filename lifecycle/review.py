"""Which answers people are to look at, and what a review is from its beginning to the person's word that ends it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

import numpy as np

from lifecycle.assignment import POSITIONS
from lifecycle.decision_policy import DecisionPolicy
from lifecycle.review_policy import ReviewPolicy

SALT = "holdfast review audit"
"""Sets the draw of audited answers apart from every draw of an arm."""
_SALT_KEY = blake2b(SALT.encode(), digest_size=32).digest()


class ReviewKind(StrEnum):
    """Why a person looks at an answer; the right-hand side is the log's."""

    PROVISIONAL = "provisional"
    """The answer is unsure, and went out as such."""
    AUDIT = "audit"
    """A sure answer, drawn to see how often people agree."""


class ReviewState(StrEnum):
    """How far a review has come."""

    PENDING = "pending"
    ESCALATED = "escalated"
    """It waited longer than the policy lets it, and people were called."""
    ANSWERED = "answered"


@dataclass(frozen=True)
class Reviewed:
    """One answer that people are asked about, and what they said.

    `predicted` is 1 or 0 where the policy's decision said so, None where it said neither. `claimed_by` looks at it
    until `claimed_until`. `answer` is 0 or 1 once `answered_by` gave it. `escalation` names the decision that called
    people, None while nobody was called. `request_id` is the request's name in the log, the job's own for a job. Times
    are the machine's.
    """

    prediction_id: str
    model: str
    version: str
    kind: ReviewKind
    example_id: str
    request: str
    score: float
    decision: str
    decided_by: str | None
    predicted: int | None
    tenant: str | None
    served_at: datetime
    due_at: datetime
    entered_at: datetime
    claimed_by: str | None = None
    claimed_until: datetime | None = None
    escalation: str | None = None
    answer: int | None = None
    answered_by: str | None = None
    because: str | None = None
    answered_at: datetime | None = None
    request_id: str | None = None

    @property
    def state(self) -> ReviewState:
        """How far it has come."""
        if self.answered_at is not None:
            return ReviewState.ANSWERED
        return ReviewState.PENDING if self.escalation is None else ReviewState.ESCALATED


def reviews_of(
    policy: ReviewPolicy,
    decision: DecisionPolicy,
    scores: np.ndarray,
    decided_by: Sequence[str | None],
    prediction_ids: Sequence[str],
) -> list[str | None] | None:
    """Return each row's kind of review, None for a row without one; None in all when no row has any.

    `scores` are probabilities, (n_rows,); `decided_by` as `decide_actions` gives it. A row is audited by the hash of
    its prediction id alone, so that anybody can say later why it was.

    >>> decision = DecisionPolicy(threshold=0.5, positive="yes", negative="no", overrides=(), safety_filters=())
    >>> policy = ReviewPolicy(
    ...     unsure_within=0.1, unsure_decided_by=(), audit_share=0, most_open=100, answer_within_hours=1,
    ...     claim_minutes=5, escalate_to="on-call"
    ... )
    >>> reviews_of(policy, decision, np.array([0.45, 0.9]), [None, None], ["a", "b"])
    ['provisional', None]
    """
    near = np.abs(scores - decision.threshold) <= policy.unsure_within
    # A band of no width has nothing in it, not even the threshold itself.
    unsure = near.tolist() if policy.unsure_within else [False] * len(near)
    for row, by in enumerate(decided_by):
        if by is not None:
            unsure[row] = by in policy.unsure_decided_by
    found: list[str | None] = [ReviewKind.PROVISIONAL.value if one else None for one in unsure]
    if policy.audit_share:
        for row, place in enumerate(_places(prediction_ids)):
            if place < policy.audit_share * POSITIONS and not unsure[row]:
                found[row] = ReviewKind.AUDIT.value
    return found if any(found) else None


def _places(prediction_ids: Sequence[str]) -> list[int]:
    """Return `lifecycle.assignment.position` of each id under SALT, times POSITIONS.

    Asked of every answer, so the salt is made a key only once.
    """
    return [
        int.from_bytes(blake2b(name.encode(), digest_size=8, key=_SALT_KEY).digest(), "big") for name in prediction_ids
    ]


def predicted_label(decision: DecisionPolicy, said: str) -> int | None:
    """Return the label that a decision stands for, None for a word that says neither.

    >>> decision = DecisionPolicy(threshold=0.5, positive="yes", negative="no", overrides=(), safety_filters=())
    >>> [predicted_label(decision, said) for said in ("yes", "no", "unsure")]
    [1, 0, None]
    """
    return {decision.positive: 1, decision.negative: 0}.get(said)
