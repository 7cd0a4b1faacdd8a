"""The secret that the MLflow server signs its calls with."""

import base64
import hashlib

from stores.kept_secret import kept_secret
from stores.settings import Settings

FILE = "webhook.secret"


def webhook_secret(settings: Settings) -> str:
    """Return HOLDFAST_WEBHOOK_SECRET, or the one in the state folder, made at the first need.

    Of several processes that need it first at once, all return the same.
    """
    if settings.webhook_secret is not None:
        return settings.webhook_secret.get_secret_value()
    return kept_secret(settings.run / FILE)


def encryption_key(secret: str) -> str:
    """Return the key that the MLflow server keeps the secret under, in Fernet's form.

    MLflow draws a new one at every start unless it is told one, and then cannot read what it kept.
    """
    return base64.urlsafe_b64encode(hashlib.sha256(b"mlflow webhook " + secret.encode()).digest()).decode()
