"""The bell at the gateway's door: the MLflow server calls when a version was registered."""

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from lifecycle.errors import Unavailable
from serving.exchange import Headers, Receive, Response, read_body
from serving.problem import refused
from stores.clock import SystemClock
from stores.ledger.failing import in_short
from stores.ledger.signals import REGISTRY, Signals
from stores.settings import Settings
from stores.webhook_secret import webhook_secret

MAX_BYTES = 64 * 1024
FRESH_SECONDS = 300
"""How far the moment of signing may lie from now; the same call within it only rings again."""
VERSION = "v1"


@dataclass(frozen=True)
class RegistryHook:
    """Verifies a call's signature and rings; `ring` may block and runs off the event loop.

    `secret` is asked for at each call, because it may be made after the gateway started.
    """

    secret: Callable[[], str]
    ring: Callable[[datetime], None]
    now: Callable[[], datetime]

    async def answer(self, headers: Headers, receive: Receive) -> Response:
        """Return 202 once the bell is rung.

        Raises Refused: 401 for a call that the MLflow server did not sign just now, 413 for one that is too large.
        """
        body = await read_body(headers, receive, MAX_BYTES)
        now = self.now()
        secret = await asyncio.to_thread(self.secret)
        if not signed_just_now(headers, body, secret, now):
            detail = f"The signature does not fit, or is older than {FRESH_SECONDS} s; MLflow signs with the secret."
            raise refused(401, "bad-signature", detail)
        await asyncio.to_thread(self.ring, now)
        return Response(b'{"rung":true}', 202)


def signed_just_now(headers: Headers, body: bytes, secret: str, now: datetime) -> bool:
    """Return whether MLflow signed a call within FRESH_SECONDS; see mlflow/webhooks/delivery.py for what it signs."""
    delivery = headers.get(b"x-mlflow-delivery-id", b"")
    stamped = headers.get(b"x-mlflow-timestamp", b"")
    version, _, signature = headers.get(b"x-mlflow-signature", b"").partition(b",")
    # Digits alone, and few: what a number's parser makes of anything else is nobody's business here.
    if version != VERSION.encode() or not stamped.isdigit() or len(stamped) > 12:  # noqa: PLR2004 - seconds
        return False
    try:
        given = base64.b64decode(signature, validate=True)
    except binascii.Error:
        return False
    expected = hmac.new(secret.encode(), b".".join((delivery, stamped, body)), hashlib.sha256).digest()
    same = hmac.compare_digest(given, expected)
    return same and abs(now.timestamp() - int(stamped)) <= FRESH_SECONDS


def open_hook(chosen: Settings, engine: Engine) -> RegistryHook:
    """Return the hook that rings in the ledger; while that is away it answers 503, and MLflow tries again."""
    signals = Signals(engine)

    def ring(at: datetime) -> None:
        try:
            signals.ring(REGISTRY, at)
        except SQLAlchemyError as error:
            raise Unavailable(f"the ledger cannot be reached ({in_short(error)}); check HOLDFAST_LEDGER_URL") from error

    return RegistryHook(lambda: webhook_secret(chosen), ring, SystemClock().now)
