"""The secrets that messages to the webhooks of jobs are signed with: one for each tenant, all from one setting."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from lifecycle.errors import SettingInvalid
from stores.settings import Settings
from stores.webhook_secret import drawn_once

FILE = "signing.secret"
PREFIX = "whsec_"
"""As https://www.standardwebhooks.com has it."""
SHORTEST = 24


def master_secrets(settings: Settings) -> tuple[str, ...]:
    """Return the secrets of HOLDFAST_WEBHOOK_SIGNING_SECRET, or the one in the state folder, made at the first need.

    Several, with commas between them, sign side by side, so that receivers can change from one to the other. Raises
    SettingInvalid for one that is too short.
    """
    if settings.webhook_signing_secret is None:
        return (drawn_once(settings.run / FILE),)
    masters = tuple(part.strip() for part in settings.webhook_signing_secret.get_secret_value().split(","))
    shortest = min(map(len, masters))
    if shortest < SHORTEST:
        raise SettingInvalid(
            f"HOLDFAST_WEBHOOK_SIGNING_SECRET holds a secret of {shortest} characters; allowed: {SHORTEST} or more. "
            "Draw a longer one."
        )
    return masters


def tenant_secrets(masters: Sequence[str], tenant: str | None) -> tuple[str, ...]:
    """Return a tenant's own secrets in the form that receivers are given, one for each of the `masters`.

    They follow from the setting, so that nothing has to be stored, and no tenant's secret tells another's.
    """
    # The first byte keeps the secret of those without a name apart from everybody's.
    name = b"\0" if tenant is None else b"\1" + tenant.encode()
    made = (hmac.new(master.encode(), b"holdfast jobs" + name, hashlib.sha256).digest() for master in masters)
    return tuple(PREFIX + base64.b64encode(one).decode() for one in made)
