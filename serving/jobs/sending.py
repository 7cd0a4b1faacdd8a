"""One message to one webhook: signed, sent to the address that was checked, and its answer judged."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version

import httpx
from standardwebhooks import Webhook

from lifecycle.errors import HoldfastError
from serving.jobs.document import message, message_id
from serving.jobs.target import read_target, resolve
from stores.ledger.job_records import ToSend
from stores.signing_secret import tenant_secrets

SUCCESS = range(200, 300)
GONE = 410
"""By Standard Webhooks, a receiver that says so wants no message any more."""
SHOWN_CHARACTERS = 300
SILENCE_SECONDS = 600.0
"""Beyond what any policy has; how long a receiver may really take is the policy's."""


class NotTaken(Exception):
    """A message that its receiver did not take; `final` when it never will."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


@dataclass(frozen=True)
class Sender:
    """Sends messages; one event loop has it. `masters` are the secrets of `master_secrets`."""

    client: httpx.AsyncClient
    masters: Sequence[str]
    allow_private: bool

    async def send(self, sending: ToSend, timeout_seconds: float) -> None:
        """Return once the receiver has taken a message; raises NotTaken."""
        try:
            async with asyncio.timeout(timeout_seconds):
                status = await self._post(sending)
        except TimeoutError as error:
            raise NotTaken(f"no answer within {timeout_seconds:g} s") from error
        except HoldfastError as error:
            raise NotTaken(str(error)[:SHOWN_CHARACTERS]) from error
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError) as error:
            raise NotTaken(f"{type(error).__name__}: {error}"[:SHOWN_CHARACTERS]) from error
        if status not in SUCCESS:
            raise NotTaken(f"the receiver answered {status}", final=status == GONE)

    async def _post(self, sending: ToSend) -> int:
        target = read_target(sending.delivery.url, allow_private=self.allow_private)
        address = await resolve(target, allow_private=self.allow_private)
        body = message(sending)
        headers = {
            **signed(message_id(sending.job.job_id), body, tenant_secrets(self.masters, sending.job.tenant)),
            "host": target.authority,
            "content-type": "application/json",
            "user-agent": _user_agent(),
        }
        # The name that the certificate must have; the address is where the name pointed when it was checked.
        named = {"sni_hostname": target.host}
        # What the receiver says beyond its status is not read: it may have no end.
        async with self.client.stream(
            "POST", target.at(address), content=body, headers=headers, extensions=named
        ) as answer:
            return answer.status_code


def open_client(most_at_once: int, trusted: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    """Return a client that follows no redirect, heeds no proxy, and uses each connection once.

    A connection that was opened for one name must not carry messages to another one at the same address. `trusted` are
    the authorities whose certificates count; by default those that browsers trust.
    """
    limits = httpx.Limits(max_connections=most_at_once, max_keepalive_connections=0)
    verify = httpx.create_ssl_context(trust_env=False) if trusted is None else trusted
    return httpx.AsyncClient(
        verify=verify, limits=limits, timeout=SILENCE_SECONDS, trust_env=False, follow_redirects=False
    )


def signed(name: str, body: bytes, secrets: Sequence[str]) -> Mapping[str, str]:
    """Return the headers that https://www.standardwebhooks.com asks for: id, moment, and a signature by each secret."""
    now = datetime.now(UTC).replace(microsecond=0)
    signatures = (Webhook(secret).sign(name, now, body.decode()) for secret in secrets)
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


@cache
def _user_agent() -> str:
    # Looking it up reads files of the installation.
    return f"holdfast/{version('holdfast')}"
