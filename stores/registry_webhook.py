"""The registry's word that a version came: one webhook of ours on the MLflow server."""

from stores.mlflow_link import MlflowLink

NAME = "holdfast"


def ensure_registered(link: MlflowLink, url: str, secret: str) -> None:
    """Make the MLflow server call an address whenever a version is created, signed with the secret.

    An existing webhook of ours is brought up to date, so that calling this again changes nothing. Raises Unavailable,
    and InvalidInput when the server refuses the address.
    """
    from mlflow.entities.webhook import (  # noqa: PLC0415 - MLflow is slow
        WebhookAction,
        WebhookEntity,
        WebhookEvent,
        WebhookStatus,
    )

    events = [WebhookEvent(WebhookEntity.MODEL_VERSION, WebhookAction.CREATED)]
    with link.translated(f"registering the webhook {url}"):
        known = _find(link)
        if known is None:
            link.client.create_webhook(NAME, url, events, "Tells Holdfast that a version came.", secret)
        else:
            # A secret cannot be read back, so it is written again.
            link.client.update_webhook(known, url=url, events=events, secret=secret, status=WebhookStatus.ACTIVE)


def _find(link: MlflowLink) -> str | None:
    token: str | None = None
    while True:
        page = link.client.list_webhooks(max_results=100, page_token=token)
        for webhook in page:
            if webhook.name == NAME:
                return str(webhook.webhook_id)
        token = page.token
        if not token:
            return None
