"""What a caller says of caches in `Cache-Control` (RFC 9111)."""

from serving.exchange import Headers

CACHE_CONTROL = b"cache-control"
NOT_AGAIN = frozenset({"no-cache", "no-store"})


def cache_control(headers: Headers) -> tuple[bool, bool]:
    """Return whether the answer must be a new one, and whether nothing of it may be kept.

    >>> cache_control({b"cache-control": b"max-age=0, no-store"})
    (True, True)
    >>> cache_control({})
    (False, False)
    """
    said = headers.get(CACHE_CONTROL)
    if said is None:
        return False, False
    words = {word.partition("=")[0].strip().lower() for word in said.decode("latin-1").split(",")}
    return bool(words & NOT_AGAIN), "no-store" in words
