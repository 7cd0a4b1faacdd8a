"""What can be done with an idempotency key, each as a value, so that those of many requests go together."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A response; `body` is None when it was too long to keep."""

    status: int
    content_type: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A key as somebody holds it; the names are those of the table.

    An owner at another place may be taken for dead after `lease_until`; one at the same place when it lets go.
    """

    digest: str
    fingerprint: str
    claim: str
    owner: str
    place: str
    lease_until: datetime
    expires_at: datetime
    former: tuple[str, ...] = ()
    answer: StoredAnswer | None = None


@dataclass(frozen=True, slots=True)
class Claiming:
    """Take a key that nobody holds, or whose time is over."""

    claim: Claim


@dataclass(frozen=True, slots=True)
class Looking:
    """See how a key stands."""

    claim: Claim


@dataclass(frozen=True, slots=True)
class Taking:
    """Take a key over from the owner it was seen with, unless it was answered or taken meanwhile."""

    claim: Claim
    owner: str
    place: str
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class Completing:
    """Store the answer, unless the key is somebody else's by now."""

    claim: Claim
    answer: StoredAnswer


@dataclass(frozen=True, slots=True)
class Releasing:
    """Give a key back unanswered, unless it is somebody else's by now."""

    claim: Claim


Operation: TypeAlias = Claiming | Looking | Taking | Completing | Releasing
