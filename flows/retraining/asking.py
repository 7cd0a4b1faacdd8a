"""Ask for a retraining: an event in Prefect, on which the deployment of the flow `retrain` is triggered."""

from uuid import NAMESPACE_URL, uuid5

import structlog

from lifecycle.training import Cause

RETRAIN_EVENT = "holdfast.retrain"
log = structlog.get_logger()


def ask_for_retraining(model: str, cause: Cause, reason: str, key: str) -> bool:
    """Emit the event that starts the flow `retrain` and return whether it could be handed over.

    The key, such as an alarm's id, makes the event's id: asked twice with one key, Prefect acts once. The event only
    rings: what is done follows from the ledger, so that one that is lost costs a day until the next scheduled run.
    """
    from prefect.events import emit_event  # noqa: PLC0415 - seconds to import, and few looks ask for a training

    told = {"model": model, "cause": str(cause), "reason": reason, "key": key}
    resource = {"prefect.resource.id": f"holdfast.model.{model}", "prefect.resource.name": model}
    try:
        sent = emit_event(
            RETRAIN_EVENT, resource, payload=told, id=uuid5(NAMESPACE_URL, f"holdfast:retrain:{model}:{key}")
        )
    except Exception as error:  # noqa: BLE001 - whatever Prefect cannot carry, the daily run finds in the ledger
        log.warning("retraining_not_asked", model=model, cause=str(cause), error=str(error))
        return False
    log.info("retraining_asked", model=model, cause=str(cause), reason=reason, sent=sent is not None)
    return sent is not None
