"""What a caller is told about a key."""

from http import HTTPStatus

from serving.exchange import Response
from serving.problem import RETRY_AFTER_SECONDS, Refused, refused
from stores.ledger.key_operations import StoredAnswer

REPLAYED = (b"idempotent-replayed", b"true")
FINAL = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
"""Refusals that the same request would always get: they are its result, and are kept. See docs/adr/0006."""


def is_final(status: int) -> bool:
    """Return whether an answer of that status ends a keyed request, so that it is kept and replayed."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES or status in FINAL


def reused() -> Refused:
    """Return the refusal of a key that came with another request before."""
    detail = (
        "This Idempotency-Key was used for another request. Send the same body to the same path, or use a new key "
        "for a new request."
    )
    return refused(422, "idempotency-key-reused", detail)


def still_running(wait_ms: float) -> Refused:
    """Return the refusal of a repeated request that has waited long enough for the first."""
    detail = (
        f"The first request with this Idempotency-Key is still being answered after {wait_ms:g} ms of waiting; "
        f"send it again with the same key in {RETRY_AFTER_SECONDS} s."
    )
    return refused(409, "idempotency-key-in-use", detail, retry_after=RETRY_AFTER_SECONDS)


def ledger_away(error: Exception | None = None) -> Refused:
    """Return the refusal of a keyed request while the keys are out of reach."""
    because = "" if error is None else f" ({type(error).__name__})"
    detail = (
        f"The ledger cannot be reached in time{because}, and it holds the idempotency keys. Send the request again "
        f"with the same key in {RETRY_AFTER_SECONDS} s: it is answered and logged once."
    )
    return refused(503, "unavailable", detail, retry_after=RETRY_AFTER_SECONDS)


def replay_of(answer: StoredAnswer) -> Response:
    """Return a stored answer as it is given again; raises Refused with 409 for one that was too long to keep."""
    if answer.body is None:
        detail = (
            "The request with this Idempotency-Key was answered, but its answer was too long to keep; it is in the "
            "prediction log. Send fewer rows per request."
        )
        raise refused(409, "answer-not-kept", detail, headers=(REPLAYED,))
    headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers)
    return Response(answer.body, answer.status, answer.content_type.encode("latin-1"), (*headers, REPLAYED))


def to_keep(response: Response, max_bytes: int) -> StoredAnswer:
    """Return an answer as it is stored."""
    return StoredAnswer(
        status=response.status,
        content_type=response.content_type.decode("latin-1"),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers),
        body=response.body if len(response.body) <= max_bytes else None,
    )
