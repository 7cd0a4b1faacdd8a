"""How large a request's head may be."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from serving.problem import refused


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """How many headers a request may have, and how many bytes, names and values together."""

    max_headers: int
    max_bytes: int

    def check(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Raise Refused with 431 for a head that is too large."""
        if len(headers) > self.max_headers:
            raise _too_large(f"{len(headers)} headers", f"{self.max_headers}")
        size = sum(map(len, chain.from_iterable(headers)))
        if size > self.max_bytes:
            raise _too_large(f"{size} bytes of headers", f"{self.max_bytes}")


def _too_large(found: str, allowed: str) -> Exception:
    return refused(431, "headers-too-large", f"The request has {found}; allowed: {allowed}. Send fewer.")
