"""Lets a request in or turns it away by its headers alone, before anything of its body is read."""

import time
from collections.abc import Callable
from typing import Protocol

from lifecycle.errors import InvalidInput, NotPermitted
from lifecycle.priority import Priority, priority_named
from lifecycle.tenants import Role, fits, parts_of
from serving.caller import ANYBODY_AT, Caller
from serving.doors.guests import Guests
from serving.doors.head import HeadLimits
from serving.doors.rates import Alone, Counted, Rates
from serving.doors.refusals import Refusals
from serving.doors.slow_bodies import SlowBodies
from serving.exchange import Headers
from serving.problem import Refused, refused

AUTHORIZATION, API_KEY, PRIORITY = b"authorization", b"x-api-key", b"x-holdfast-priority"
BEARER = "bearer"
CHALLENGE = b'Bearer realm="holdfast"'
WRONG_KEY = CHALLENGE + b', error="invalid_token"'
ROSTER_RETRY_SECONDS = 2
SHOWN = 40
"""How much of a header is looked at and repeated."""
HEAD_LIMITS = HeadLimits(64, 16_384)


class Known(Protocol):
    """Who may come in; `guests` is None while nobody knows."""

    guests: Guests | None


class Nobody:
    """A list without names, for a gateway that has no ledger."""

    guests: Guests | None = None


class Door:
    """Checks keys, priorities and rates. An open door needs no key, but one that is shown must be right.

    Used on the event loop only. `replicas` share each tenant's rate.
    """

    def __init__(
        self,
        known: Known | None = None,
        *,
        required: bool = False,
        head: HeadLimits = HEAD_LIMITS,
        bodies: SlowBodies | None = None,
        replicas: Counted | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.head = head
        self.bodies = SlowBodies() if bodies is None else bodies
        self.refusals = Refusals()
        self._known = Nobody() if known is None else known
        self._required = required
        self._rates = Rates(Alone() if replicas is None else replicas, monotonic)

    def enter(self, headers: Headers, needs: Role = Role.PREDICT) -> Caller:
        """Return who asks.

        Raises Refused: 401 without a key that is needed or with a wrong one, 403 for a key whose role may not, 400
        for an unknown priority, 503 while nobody knows the keys.
        """
        try:
            # Most requests to an open gateway have none of these headers.
            if not self._required and AUTHORIZATION not in headers and API_KEY not in headers:
                return ANYBODY_AT[_priority(headers)]
            return self._guest(headers, needs)
        except Refused as error:
            self.refusals.count(None, error.problem.kind)
            raise

    def guard(self, headers: Headers, needs: Role) -> None:
        """Raise Refused as `enter` does, where keys are required; an open gateway shows its pages to everybody."""
        if self._required:
            self.enter(headers, needs)

    def take(self, caller: Caller) -> None:
        """Count a request against its tenant's rate; raises Refused with 429 and Retry-After."""
        guests = self._known.guests
        if caller.tenant is None or guests is None:
            return
        tenant = guests.tenants.get(caller.tenant)
        if tenant is not None:
            self._rates.take(tenant)

    def _guest(self, headers: Headers, needs: Role) -> Caller:
        shown = _shown_key(headers)
        guests = self._known.guests
        if guests is None:
            detail = (
                "The keys are not known here yet: the ledger is away and there is no local copy; "
                f"try again in {ROSTER_RETRY_SECONDS} s."
            )
            raise refused(503, "keys-not-known", detail, retry_after=ROSTER_RETRY_SECONDS)
        try:
            key_id, secret = parts_of(shown)
        except NotPermitted as error:
            raise _unauthorized(str(error), WRONG_KEY) from error
        guest = guests.by_key.get(key_id)
        if not fits(secret, None if guest is None else guest.key) or guest is None:
            raise _unauthorized("The API key is unknown, wrong or revoked.", WRONG_KEY)
        if not guest.key.role.includes(needs):
            detail = f"Key {key_id} has the role {guest.key.role}; this needs {needs}. Ask for another key."
            raise refused(403, "not-permitted", detail)
        return guest.callers[_priority(headers)]


def _shown_key(headers: Headers) -> str:
    bearer, own = headers.get(AUTHORIZATION), headers.get(API_KEY)
    if bearer is not None and own is not None:
        raise refused(400, "malformed-request", "Authorization and X-API-Key are both given; send one of them.")
    if own is not None:
        return own.decode("latin-1").strip()
    if bearer is None:
        detail = "An API key is needed here; send it as `Authorization: Bearer hf_…` or `X-API-Key: hf_…`."
        raise _unauthorized(detail, CHALLENGE)
    scheme, _, key = bearer.decode("latin-1").strip().partition(" ")
    if scheme.lower() != BEARER:
        # Not repeated: what stands where a scheme should may be a secret.
        raise _unauthorized("The Authorization header does not say Bearer; only API keys are taken here.", CHALLENGE)
    return key.strip()


def _priority(headers: Headers) -> Priority:
    said = headers.get(PRIORITY)
    if said is None:
        return Priority.STANDARD
    try:
        return priority_named(said[:SHOWN].decode("latin-1").strip().lower())
    except InvalidInput as error:
        raise refused(400, "unknown-priority", f"X-Holdfast-Priority: {error}.") from error


def _unauthorized(detail: str, challenge: bytes) -> Refused:
    return refused(401, "unauthorized", detail, headers=((b"www-authenticate", challenge),))
