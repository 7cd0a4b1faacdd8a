"""Where `now` comes from: the system's clock, or a replayed one that the ledger keeps."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Anything that can say what time it is."""

    def now(self) -> datetime:
        """Return the current moment in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current moment in UTC."""
        return datetime.now(UTC)


class ReplayKeeper(Protocol):
    """What a replay clock reads from: the ledger."""

    def replay_at(self) -> datetime | None:
        """Return the replayed moment, or None when nothing is replayed."""
        ...


class ReplayClock:
    """The ledger's replayed moment while a replay stands, else the system's time."""

    def __init__(self, keeper: ReplayKeeper) -> None:
        self._keeper = keeper

    def now(self) -> datetime:
        """Return the current moment in UTC."""
        return self._keeper.replay_at() or datetime.now(UTC)
