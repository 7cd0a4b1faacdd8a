"""The key under which the prediction log keeps hashed values."""

from stores.kept_secret import kept_secret
from stores.settings import Settings

FILE = "log.key"


def log_key(settings: Settings) -> bytes:
    """Return HOLDFAST_LOG_KEY, or the key in the state folder, drawn at the first need.

    Replicas on several machines need the same one, else equal values get different hashes: there it must be set.
    """
    if settings.log_key is not None:
        return settings.log_key.get_secret_value().encode()
    return kept_secret(settings.home / FILE).encode()
