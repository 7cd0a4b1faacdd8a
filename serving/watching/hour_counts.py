"""What one replica has counted, hour by hour, and what of it the ledger does not have yet."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import count

import structlog

from lifecycle.profile import Profile, merge
from stores.hours import Hour
from stores.ledger.profiles import HourPart

log = structlog.get_logger()

MOST_HOURS = 256
"""Hours in memory at once; live traffic touches one or two of each version, odd requests any."""
IDLE_SECONDS = 900.0
"""An hour to which nothing came for so long is let go of. Should it come again, it is a part of its own."""


@dataclass
class _Kept:
    part: str
    profile: Profile
    touched_at: float
    unwritten: bool = True


@dataclass
class HourCounts:
    """The counts since each hour was first seen, in at most MOST_HOURS hours.

    `name` is the replica's, unlike that of any process before it; `monotonic` is in seconds.
    """

    name: str
    monotonic: Callable[[], float]
    _kept: dict[Hour, _Kept] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def add(self, hour: Hour, counted: Profile) -> None:
        """Add rows to an hour; raises InvalidInput when they were counted on other bins than those before."""
        kept = self._kept.get(hour)
        if kept is None:
            self._make_room()
            self._kept[hour] = _Kept(f"{self.name}.{next(self._numbers)}", counted, self.monotonic())
            return
        kept.profile = merge(kept.profile, counted)
        kept.touched_at = self.monotonic()
        kept.unwritten = True

    def unwritten(self) -> Sequence[HourPart]:
        """Return the whole counts of the hours that changed since they were written."""
        return [HourPart(hour, kept.part, kept.profile) for hour, kept in self._kept.items() if kept.unwritten]

    def written(self, parts: Sequence[HourPart], refused: AbstractSet[str]) -> None:
        """Take note that the ledger has these parts, but for the refused ones, which are somebody else's now."""
        for part in parts:
            if part.part in refused:
                del self._kept[part.hour]
            else:
                self._kept[part.hour].unwritten = False
        oldest = self.monotonic() - IDLE_SECONDS
        for hour in [hour for hour, kept in self._kept.items() if not kept.unwritten and kept.touched_at < oldest]:
            del self._kept[hour]

    def _make_room(self) -> None:
        if len(self._kept) < MOST_HOURS:
            return
        # What the ledger has goes first, then what was touched longest ago.
        hour, kept = min(self._kept.items(), key=lambda one: (one[1].unwritten, one[1].touched_at))
        if kept.unwritten:
            log.warning("counts_dropped", version=hour.version, hour=hour.hour_at.isoformat(), rows=kept.profile.rows)
        del self._kept[hour]
