"""On whose behalf a request is answered."""

from dataclasses import dataclass

from lifecycle.priority import Priority


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and how urgently; `tenant` is None for one that need not say."""

    tenant: str | None = None
    priority: Priority = Priority.STANDARD


ANYBODY = Caller()
"""The caller on a gateway that is open to everybody who can reach it."""
