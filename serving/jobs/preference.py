"""Whether a caller wants its answer later: the Prefer header of RFC 7240."""

from serving.exchange import Headers
from serving.problem import refused

RESPOND_ASYNC = b"respond-async"
WEBHOOK = b"x-holdfast-webhook"


def wants_later(headers: Headers) -> bool:
    """Return whether the caller prefers to come back for its answer; `wait` and other preferences change nothing.

    Raises Refused for a caller who wants to be told of a job's end and does not ask for a job.
    """
    said = headers.get(b"prefer")
    later = said is not None and RESPOND_ASYNC in map(_word, said.split(b","))
    if not later and WEBHOOK in headers:
        detail = (
            "X-Holdfast-Webhook says where to tell of a job's end, but this request asks to be answered at once. "
            "Send `Prefer: respond-async` with it, or leave it out."
        )
        raise refused(400, "webhook-without-job", detail)
    return later


def _word(part: bytes) -> bytes:
    return part.split(b";")[0].split(b"=")[0].strip().lower()
