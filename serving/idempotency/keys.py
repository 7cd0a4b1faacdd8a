"""What a request is known by when it comes again: the digest of its key, and of what it asks."""

import hashlib
import re
from dataclasses import dataclass

import msgspec

from serving.dialects import HEADER_LENGTH
from serving.predicting import Request
from serving.problem import refused

KEY_PATTERN = re.compile(rb"[\x20-\x7e]{1,255}")
"""Printable ASCII. A quoted string, as the draft writes keys, is one; its quotation marks are part of it."""
SHOWN_BYTES = 40

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Asked:
    """`digest` stands for tenant, model, path and key; `fingerprint` for the path and everything that was sent."""

    digest: str
    fingerprint: str


def asked_by(request: Request, key: bytes) -> Asked:
    """Return what a request is known by; raises Refused with 400 for a key that cannot be one."""
    if not KEY_PATTERN.fullmatch(key):
        shown = repr(key[:SHOWN_BYTES])[1:]
        detail = (
            f"The Idempotency-Key {shown} of {len(key)} bytes cannot be one; "
            "allowed: 1 to 255 printable ASCII characters, such as a UUID."
        )
        raise refused(400, "malformed-idempotency-key", detail)
    path = [request.model, request.version, request.dialect.action]
    digest = hashlib.sha256(_encode([request.caller.tenant, *path, key.decode("ascii")]))
    head = _encode([*path, request.headers.get(HEADER_LENGTH, b"").decode("latin-1")])
    fingerprint = hashlib.sha256(head)
    fingerprint.update(request.body)
    return Asked(digest.hexdigest(), fingerprint.hexdigest())
