"""The secret that the MLflow server signs its calls with."""

import base64
import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from stores.settings import Settings

FILE = "webhook.secret"


def webhook_secret(settings: Settings) -> str:
    """Return HOLDFAST_WEBHOOK_SECRET, or the one in the state folder, made at the first need.

    Of several processes that need it first at once, all return the same.
    """
    if settings.webhook_secret is not None:
        return settings.webhook_secret.get_secret_value()
    return drawn_once(settings.run / FILE)


def drawn_once(path: Path) -> str:
    """Return the secret in a file, drawn when there is none; of several processes at once, all return the same."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return _make(path)


def encryption_key(secret: str) -> str:
    """Return the key that the MLflow server keeps the secret under, in Fernet's form.

    MLflow draws a new one at every start unless it is told one, and then cannot read what it kept.
    """
    return base64.urlsafe_b64encode(hashlib.sha256(b"mlflow webhook " + secret.encode()).digest()).decode()


def _make(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Made readable for its owner alone, whole, and under its name only when nobody was faster.
    with NamedTemporaryFile("w", dir=path.parent, prefix=".secret-", encoding="ascii") as part:
        part.write(secrets.token_urlsafe(32))
        part.flush()
        with suppress(FileExistsError):
            os.link(part.name, path)
    return path.read_text(encoding="ascii").strip()
