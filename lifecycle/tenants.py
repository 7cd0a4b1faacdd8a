"""Who may come in: tenants with their limits, their API keys, and what each role may do."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lifecycle.errors import InvalidInput, NotPermitted
from lifecycle.priority import Priority

KEY_FORM = re.compile(r"hf_([0-9a-f]{12})_([0-9a-f]{64})")
"""An id that may be shown and logged, and a secret of 256 random bits that may not."""
NAME_FORM = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
NOBODY_S_DIGEST = "0" * 64
"""Compared with when no key has an id, so that an unknown id takes as long as a wrong secret."""


class Role(StrEnum):
    """What a key may do; each role may also do what those before it may."""

    PREDICT = "predict"
    """Ask for predictions."""
    REVIEW = "review"
    """Read figures and say how things turned out."""
    OPERATE = "operate"
    """Overrule the rules, as far as the policy lets the key's person."""
    ADMIN = "admin"
    """Let others in and keep them out."""

    def includes(self, other: "Role") -> bool:
        """Return whether this role may do what another may.

        >>> Role.OPERATE.includes(Role.PREDICT), Role.REVIEW.includes(Role.OPERATE)
        (True, False)
        """
        ladder = list(Role)
        return ladder.index(self) >= ladder.index(other)


@dataclass(frozen=True)
class Tenant:
    """A client of the gateway: requests per second over time and at once, and the highest priority it may claim."""

    name: str
    per_second: float
    burst: int
    highest: Priority

    def __post_init__(self) -> None:
        """Raise InvalidInput for a name or limit that cannot be used."""
        if NAME_FORM.fullmatch(self.name) is None:
            raise InvalidInput(
                f"the tenant is {self.name!r}; allowed: 1 to 63 of a-z, 0-9, dot, dash and underscore, no sign first"
            )
        if not 0 < self.per_second < float("inf"):
            raise InvalidInput(f"the rate is {self.per_second:g} requests per second; allowed: more than 0")
        if self.burst < 1:
            raise InvalidInput(f"the burst is {self.burst} requests; allowed: 1 or more")


@dataclass(frozen=True)
class ApiKey:
    """A key as it is kept: without its secret, of which only the SHA-256 is known.

    A fast hash is enough, because nobody can guess 256 random bits. `person` is the name it acts under in the
    console, None for a program's key.
    """

    key_id: str
    tenant: str
    role: Role
    digest: str
    person: str | None
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True)
class Roster:
    """Everybody who may come in; revoked keys are in it, too."""

    tenants: tuple[Tenant, ...] = ()
    keys: tuple[ApiKey, ...] = ()


def written_key(key_id: str, secret: str) -> str:
    """Return a key as its holder gets it, once; raises InvalidInput for parts that no key has."""
    key = f"hf_{key_id}_{secret}"
    if KEY_FORM.fullmatch(key) is None:
        raise InvalidInput("a key is made of 12 and 64 hexadecimal digits")
    return key


def parts_of(key: str) -> tuple[str, str]:
    """Return a key's id and secret; raises NotPermitted for what is no key, without repeating it."""
    found = KEY_FORM.fullmatch(key)
    if found is None:
        raise NotPermitted("that is no API key of ours; one looks like hf_<12 digits>_<64 digits>, digits being 0-9a-f")
    return found[1], found[2]


def digest_of(secret: str) -> str:
    """Return what is kept of a secret: its SHA-256 in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def fits(secret: str, known: ApiKey | None) -> bool:
    """Return whether a secret is a key's and the key stands; unknown, wrong and revoked take the same time."""
    digest = NOBODY_S_DIGEST if known is None else known.digest
    same = hmac.compare_digest(digest_of(secret), digest)
    return same and known is not None and known.revoked_at is None
