"""On whose behalf a request is answered."""

from dataclasses import dataclass

from lifecycle.priority import Priority


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and how urgently; `tenant` and `key_id` are None for one that need not say."""

    tenant: str | None = None
    priority: Priority = Priority.STANDARD
    key_id: str | None = None


ANYBODY = Caller()
"""The caller on a gateway that is open to everybody who can reach it."""
ANYBODY_AT = tuple(Caller(priority=priority) for priority in Priority)
"""The same, by how urgently they ask."""
