"""What the fuzzer does to each request before it is sent."""

from typing import Any
from uuid import uuid4

import schemathesis

KEY = "Idempotency-Key"
LONGEST = 255


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Give every request a key of its own: two with the same one are one request, which is another test's affair."""
    key = (case.headers or {}).get(KEY)
    if isinstance(key, str) and 0 < len(key) <= LONGEST:
        case.headers[KEY] = uuid4().hex[:LONGEST]
