"""Proposals: numbers in a policy that a new champion would have otherwise, waiting for a person's word."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ProposalState(StrEnum):
    """What became of a proposal."""

    OPEN = "open"
    APPLIED = "applied"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    """A later one about the same number took its place."""


@dataclass(frozen=True)
class Proposal:
    """One number to change: `key` is its path in the policy file, such as "decision.threshold".

    It was made from the policy of `policy_revision` and holds only while that is the written one. `who` ended it,
    at `ended_at` and `because`; all None while it is open.
    """

    proposal_id: str
    model: str
    version: str
    key: str
    written: float
    proposed: float
    reason: str
    policy_revision: str
    proposed_at: datetime
    evidence: Mapping[str, object] = field(default_factory=dict)
    state: ProposalState = ProposalState.OPEN
    who: str | None = None
    because: str | None = None
    ended_at: datetime | None = None
