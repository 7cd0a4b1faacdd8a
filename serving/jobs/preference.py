"""Whether a caller wants its answer later: the Prefer header of RFC 7240."""

from serving.exchange import Headers
from serving.problem import refused

RESPOND_ASYNC = b"respond-async"
WEBHOOK = b"x-holdfast-webhook"
REVIEW, WAIT = b"x-holdfast-review", b"wait"
SHOWN = 40
"""How much of a header is repeated."""


def wants_later(headers: Headers) -> bool:
    """Return whether the caller prefers to come back for its answer; `wait` and other preferences change nothing.

    Raises Refused for a caller who wants to be told of a job's end, or a job to wait for people, and does not ask for a
    job; and for a wish about reviews that nobody knows.
    """
    said = headers.get(b"prefer")
    later = said is not None and RESPOND_ASYNC in map(_word, said.split(b","))
    if not later and WEBHOOK in headers:
        detail = (
            "X-Holdfast-Webhook says where to tell of a job's end, but this request asks to be answered at once. "
            "Send `Prefer: respond-async` with it, or leave it out."
        )
        raise refused(400, "webhook-without-job", detail)
    if REVIEW in headers:
        _require_known_wish(headers[REVIEW], later=later)
    return later


def _require_known_wish(said: bytes, *, later: bool) -> None:
    if said.strip().lower() != WAIT:
        shown = said[:SHOWN].decode("latin-1")
        raise refused(400, "malformed-request", f"X-Holdfast-Review is {shown!r}; allowed: wait, or no such header.")
    if not later:
        detail = (
            "X-Holdfast-Review: wait holds a job's answer back until people have spoken, but this request asks to "
            "be answered at once. Send `Prefer: respond-async` with it, or leave it out."
        )
        raise refused(400, "review-without-job", detail)


def _word(part: bytes) -> bytes:
    return part.split(b";")[0].split(b"=")[0].strip().lower()
