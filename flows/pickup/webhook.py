"""Ask the MLflow server to ring the gateway whenever a version is registered."""

import structlog

from lifecycle.errors import HoldfastError
from stores.registry import Registry
from stores.settings import Settings
from stores.webhook_secret import webhook_secret

PATH = "/hooks/registry"
log = structlog.get_logger()


def ensure_webhook(settings: Settings, registry: Registry) -> bool:
    """Return whether the MLflow server will call; called again, it changes nothing.

    A server that is away or refuses the address is a warning and no error: versions are then found by looking.
    """
    try:
        registry.ensure_webhook(f"{settings.http_address}{PATH}", webhook_secret(settings))
    except HoldfastError as error:
        log.warning("webhook_missing", error=str(error))
        return False
    return True
