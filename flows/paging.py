"""Calling people: a line in the log, and an event in Prefect for automations to act on."""

import threading
from uuid import NAMESPACE_URL, uuid5

import structlog

from lifecycle.verdict import Decision

PAGE_EVENT = "holdfast.page"
SEND_SECONDS = 10.0
"""How long a flow that ends waits for its last page to leave."""

log = structlog.get_logger()


def page(decision: Decision) -> None:
    """Tell people of a decision and return at once.

    The event has an id that follows from the decision's, so that a page sent again, after a kill, is the same one.
    """
    _send(decision)


def page_and_wait(decision: Decision) -> None:
    """Tell people of a decision, and wait a little until it has left: for flows that end soon."""
    _send(decision).join(SEND_SECONDS)


def _send(decision: Decision) -> threading.Thread:
    log.warning("page", model=decision.model, action=decision.action, reason=decision.reason)
    told = {
        "model": decision.model,
        "version": decision.version,
        "action": str(decision.action),
        "reason": decision.reason,
        "decision_id": decision.decision_id,
    }
    sending = threading.Thread(target=_emit, args=(told,), name="page", daemon=True)
    sending.start()
    return sending


def _emit(told: dict[str, str]) -> None:
    from prefect.events import emit_event  # noqa: PLC0415 - only a page needs it

    resource = {"prefect.resource.id": f"holdfast.model.{told['model']}"}
    try:
        emit_event(PAGE_EVENT, resource, payload=told, id=uuid5(NAMESPACE_URL, f"{PAGE_EVENT}/{told['decision_id']}"))
    except Exception as error:  # noqa: BLE001 - the decision is stored; what Prefect cannot carry stays in the log
        log.warning("page_not_sent", decision=told["decision_id"], error=str(error))
