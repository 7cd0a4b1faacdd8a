"""Whether a caller wants its answer later: the Prefer header of RFC 7240."""

from serving.exchange import Headers

RESPOND_ASYNC = b"respond-async"


def wants_later(headers: Headers) -> bool:
    """Return whether the caller prefers to come back for its answer; `wait` and other preferences change nothing."""
    said = headers.get(b"prefer")
    if said is None:
        return False
    words = (part.split(b";")[0].split(b"=")[0].strip().lower() for part in said.split(b","))
    return RESPOND_ASYNC in words
