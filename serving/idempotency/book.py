"""The keys as one replica sees them: claimed, taken over from the dead, answered, and found again in the log."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog

from serving.idempotency.grouped import Grouped
from serving.idempotency.problems import ledger_away
from serving.problem import Refused
from stores.ledger.key_operations import Claim, Claiming, Completing, Operation, Releasing, StoredAnswer, Taking
from stores.prediction_log.claimed import MARK, ClaimedRow
from stores.prediction_log.ownership import owner_lives

log = structlog.get_logger()

LEASE_SECONDS = 60.0
"""How long an owner at another place is waited for, whose death cannot be seen from here."""
LEDGER_SECONDS = 5.0
"""How long one word with the ledger may take; a server that swallows packets is given up after three."""
AGAIN_SECONDS = 1.0
MOST_UNTOLD = 2000
"""So many words wait for the ledger at most; with that many, no more keys are claimed until it is back."""
NOBODY = "nobody"
"""An owner that has no folder, and so is dead."""


class Keys(Protocol):
    """The ledger's keys."""

    def work(self, operations: Sequence[Operation], now: datetime) -> Sequence[Claim | None]:
        """Do operations together; return how each one's key stands after them."""
        ...


Find = Callable[[Mapping[str, Sequence[str]]], Mapping[str, Sequence[ClaimedRow]]]
"""Looks up what is logged of claims, each in the folders of its owners and in the table."""


@dataclass
class Book:
    """One replica's dealings with the keys. What the ledger could not take is kept here and tried until it can.

    `owner` is the folder of this replica's segments, at `place`; `now` is the machine's time.
    """

    keys: Keys
    find: Find
    prediction_log: Path
    owner: str
    place: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _ledger: Grouped[Operation, Claim | None] = field(init=False)
    _looks: Grouped[Claim, Sequence[ClaimedRow]] = field(init=False)
    _untold: dict[str, Operation] = field(default_factory=dict)
    _again: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self._ledger = Grouped("idempotency-keys", lambda some: self.keys.work(some, self.now()))
        self._looks = Grouped("idempotency-log", self._find)

    def stop(self) -> None:
        """End the threads, once they have done what they were asked."""
        self._ledger.stop()
        self._looks.stop()

    def draw(self, digest: str, fingerprint: str, keep_hours: float) -> Claim:
        """Return a new claim of this replica's, which nobody knows of yet."""
        now = self.now()
        return Claim(
            digest=digest,
            fingerprint=fingerprint,
            claim=f"{int(now.timestamp() * 1000):012x}{MARK}{secrets.token_hex(7)[:13]}",
            owner=self.owner,
            place=self.place,
            lease_until=now + timedelta(seconds=LEASE_SECONDS),
            expires_at=now + timedelta(hours=keep_hours),
        )

    async def claim(self, claim: Claim) -> Claim | None:
        """Take a key if it is free, and return how it stands; raises Refused with 503 when the ledger is away."""
        if len(self._untold) >= MOST_UNTOLD:
            raise ledger_away()
        await self._tell_first(claim.digest)
        try:
            return await self._do(Claiming(claim))
        except Exception:
            # It may have been taken nevertheless, and nobody would ever answer it.
            self._keep_telling(Releasing(claim))
            raise

    async def look(self, operation: Operation) -> Claim | None:
        """Return how a key stands; raises Refused with 503 when the ledger is away."""
        return await self._do(operation)

    async def complete(self, claim: Claim, answer: StoredAnswer) -> bool:
        """Store an answer and return whether the key was still ours; raises Refused with 503 until it is stored."""
        standing = await self._tell(Completing(claim, answer))
        return standing is not None and (standing.claim, standing.owner) == (claim.claim, claim.owner)

    async def release(self, claim: Claim) -> None:
        """Give a key back unanswered; raises nothing, and goes on trying when the ledger is away."""
        try:
            await self._tell(Releasing(claim))
        except Exception as error:  # noqa: BLE001 - what the caller is told is the failure itself
            log.warning("idempotency_key_not_released", error=str(error))

    async def take_over(self, claim: Claim) -> Claim | None:
        """Take a key from an owner who is dead, and return how it stands; None when the owner lives.

        One at this place is dead when the kernel has let go of its folder; one at another when its lease is over.
        """
        if claim.owner == self.owner:
            # Left behind by a failed word with the ledger: whoever answered for us is gone.
            return claim
        if claim.place == self.place:
            if await asyncio.to_thread(owner_lives, self.prediction_log / "segments" / claim.owner):
                return None
        elif claim.lease_until > self.now():
            return None
        lease_until = self.now() + timedelta(seconds=LEASE_SECONDS)
        return await self._do(Taking(claim, self.owner, self.place, lease_until))

    async def logged(self, claim: Claim) -> Sequence[ClaimedRow]:
        """Return the rows of a claim of ours that it has in the log; raises Unavailable when that cannot be read.

        The claim is nobody's then, so that whoever comes next may take it over.
        """
        try:
            return await self._looks.ask(claim)
        except Exception:
            with suppress(Refused):
                await self._tell(Taking(claim, NOBODY, self.place, claim.lease_until))
            raise

    def _find(self, claims: Sequence[Claim]) -> Sequence[Sequence[ClaimedRow]]:
        found = self.find({one.claim: (one.owner, *one.former) for one in claims})
        return [found[one.claim] for one in claims]

    async def _do(self, operation: Operation) -> Claim | None:
        try:
            return await asyncio.wait_for(self._ledger.ask(operation), LEDGER_SECONDS)
        except Exception as error:
            raise ledger_away(error) from error

    async def _tell(self, operation: Operation) -> Claim | None:
        try:
            return await self._do(operation)
        except Exception:
            self._keep_telling(operation)
            raise

    async def _tell_first(self, digest: str) -> None:
        """Tell the ledger what it should know of a key already."""
        untold = self._untold.get(digest)
        if untold is not None:
            await self._do(untold)
            self._untold.pop(digest, None)

    def _keep_telling(self, operation: Operation) -> None:
        self._untold[operation.claim.digest] = operation
        if self._again is None or self._again.done():
            self._again = asyncio.create_task(self._tell_again())

    async def _tell_again(self) -> None:
        while self._untold:
            await asyncio.sleep(AGAIN_SECONDS)
            for digest, operation in list(self._untold.items()):
                try:
                    await self._do(operation)
                except Exception as error:  # noqa: BLE001 - until the ledger is back
                    log.warning("idempotency_keys_wait", keys=len(self._untold), error=str(error))
                    break
                if self._untold.get(digest) is operation:
                    del self._untold[digest]
