"""Idempotency keys: who answers a request, and what was answered, changed by many at once in one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from stores.ledger.idempotency_schema import idempotency_keys as keys
from stores.ledger.key_operations import (
    Claim,
    Claiming,
    Completing,
    Looking,
    Operation,
    Releasing,
    StoredAnswer,
    Taking,
)

EXPIRED_AT_ONCE = 5000
"""Rows deleted in one transaction, which nobody else can write beside on SQLite."""


_MINE = (
    keys.c.digest == bindparam("its_digest"),
    keys.c.claim == bindparam("its_claim"),
    keys.c.owner == bindparam("its_owner"),
    keys.c.status.is_(None),
)
# Made once: to make a statement costs more than to run it.
_CHANGE = update(keys).where(*_MINE)
_RELEASE = delete(keys).where(*_MINE)
_STANDING = select(keys).where(
    keys.c.digest.in_(bindparam("digests", expanding=True)), keys.c.expires_at > bindparam("now")
)


def _claiming(insert: postgresql.Insert | sqlite.Insert) -> postgresql.Insert | sqlite.Insert:
    """Return the statement that inserts a claim, also in the place of one whose time is over."""
    new = {column.name: insert.excluded[column.name] for column in keys.columns if column.name != "digest"}
    over = keys.c.expires_at <= bindparam("now", type_=keys.c.expires_at.type)
    return insert.on_conflict_do_update(index_elements=["digest"], set_=new, where=over)


_CLAIM: Mapping[str, postgresql.Insert | sqlite.Insert] = {
    "postgresql": _claiming(postgresql.insert(keys)),
    "sqlite": _claiming(sqlite.insert(keys)),
}


class IdempotencyKeys:
    """The keys of all models and tenants."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def work(self, operations: Sequence[Operation], now: datetime) -> list[Claim | None]:
        """Do operations in one transaction; return how each one's key stands after them, None for one not held.

        What has waited longest is done first: answers and releases before new claims.
        """
        with self._engine.begin() as connection:
            for kind, do in _STEPS:
                some = [one for one in operations if isinstance(one, kind)]
                if some:
                    do(connection, some, now)
            standing = _standing(connection, {one.claim.digest for one in operations}, now)
        return [standing.get(one.claim.digest) for one in operations]

    def settle(self, owner: str, place: str, claims: Iterable[str], lease_until: datetime) -> frozenset[str]:
        """Return which claims' rows, left at a place by a dead owner, are void, because they were answered elsewhere.

        Those still unanswered cannot be taken over from another place until `lease_until`: whoever looks for their rows
        then finds them shipped.
        """
        wanted = sorted(claims)
        with self._engine.begin() as connection:
            mine = update(keys).where(keys.c.claim.in_(wanted), keys.c.owner == owner, keys.c.status.is_(None))
            connection.execute(mine.values(lease_until=lease_until))
            elsewhere = select(keys.c.claim).where(keys.c.claim.in_(wanted), keys.c.place != place)
            return frozenset(connection.scalars(elsewhere))

    def expire(self, now: datetime) -> int:
        """Delete the keys whose time is over, and return how many."""
        some = select(keys.c.digest).where(keys.c.expires_at <= now).limit(EXPIRED_AT_ONCE)
        deleted = 0
        while True:
            with self._engine.begin() as connection:
                gone = connection.execute(
                    delete(keys).where(keys.c.digest.in_(some), keys.c.expires_at <= now)
                ).rowcount
            deleted += gone
            if gone < EXPIRED_AT_ONCE:
                return deleted


def _release(connection: Connection, some: Sequence[Releasing], _: datetime) -> None:
    connection.execute(_RELEASE, [_its(one.claim) for one in some])


def _complete(connection: Connection, some: Sequence[Completing], _: datetime) -> None:
    rows = [
        _its(one.claim)
        | {
            "status": one.answer.status,
            "content_type": one.answer.content_type,
            "headers": [list(header) for header in one.answer.headers],
            "body": one.answer.body,
        }
        for one in some
    ]
    connection.execute(_CHANGE, rows)


def _take(connection: Connection, some: Sequence[Taking], _: datetime) -> None:
    rows = [
        _its(one.claim)
        | {
            "owner": one.owner,
            "place": one.place,
            "lease_until": one.lease_until,
            "former": [*one.claim.former, one.claim.owner],
        }
        for one in some
    ]
    connection.execute(_CHANGE, rows)


def _claim(connection: Connection, some: Sequence[Claiming], now: datetime) -> None:
    # In one order everywhere, so that two who claim several at once do not wait for each other.
    ordered = sorted((one.claim for one in some), key=lambda claim: claim.digest)
    rows = [
        {
            "digest": claim.digest,
            "fingerprint": claim.fingerprint,
            "claim": claim.claim,
            "owner": claim.owner,
            "place": claim.place,
            "former": list(claim.former),
            "lease_until": claim.lease_until,
            "expires_at": claim.expires_at,
            "status": None,
            "content_type": None,
            "headers": None,
            "body": None,
            "now": now,
        }
        for claim in ordered
    ]
    connection.execute(_CLAIM[connection.dialect.name], rows)


def _look(*_: object) -> None:
    """Change nothing: how a key stands is read after all operations."""


_STEPS: tuple[tuple[type[Any], Callable[..., None]], ...] = (
    (Releasing, _release),
    (Completing, _complete),
    (Taking, _take),
    (Claiming, _claim),
    (Looking, _look),
)


def _its(claim: Claim) -> dict[str, object]:
    return {"its_digest": claim.digest, "its_claim": claim.claim, "its_owner": claim.owner}


def _standing(connection: Connection, digests: set[str], now: datetime) -> Mapping[str, Claim]:
    found = connection.execute(_STANDING, {"digests": sorted(digests), "now": now})
    return {row.digest: _claim_of(row) for row in found}


def _claim_of(row: Row[Any]) -> Claim:
    answer = None
    if row.status is not None:
        headers = tuple((name, value) for name, value in row.headers)
        answer = StoredAnswer(row.status, row.content_type, headers, row.body)
    return Claim(
        digest=row.digest,
        fingerprint=row.fingerprint,
        claim=row.claim,
        owner=row.owner,
        place=row.place,
        lease_until=row.lease_until,
        expires_at=row.expires_at,
        former=tuple(row.former),
        answer=answer,
    )
