"""Which hours a look is about, and how many of them make whole days."""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Engine

from stores.ledger.baselines import Baseline
from stores.ledger.profiles import Profiles

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
QUIET_NIGHT = 0.25
"""Of a day: so long nobody may ask at its ends, and it counts as whole."""


@dataclass(frozen=True)
class Window:
    """The hours that a look is about, [since, until) in event time, and the baseline they are held against."""

    baseline: Baseline
    since: datetime
    until: datetime

    def days(self) -> list["Window"]:
        """Return its spans of 24 hours in order, the first perhaps cut short."""
        ends = [self.until - number * DAY for number in range(math.ceil((self.until - self.since) / DAY))]
        return [Window(self.baseline, max(end - DAY, self.since), end) for end in reversed(ends)]

    def covers(self, hours: float, filled: int) -> bool:
        """Return whether it is as good as so many hours, `filled` of its days holding answers.

        Counts of the last few hours may be on their way. A day without answers is one where nobody asks on Sundays;
        where most are without, the version was away, and two days at the ends of a week are no week.
        """
        spanned = self.until - self.since
        return spanned >= timedelta(hours=hours) - DAY and filled * DAY > spanned / 2


def filled_days(engine: Engine, window: Window) -> int:
    """Return how many of a window's days hold answers: only those are worth a day of evidence."""
    rows = Profiles(engine).rows(window.baseline.model, window.baseline.version, window.since, window.until)
    hours = [hour for hour, count in rows.items() if count]
    return sum(any(day.since <= hour < day.until for hour in hours) for day in window.days())


def whole_days(engine: Engine, window: Window) -> Window:
    """Return the part of a window that holds whole days of answers and ends with its last counted hour.

    It is empty when there are answers of less than three quarters of a day: where nights are quiet, that is a day.
    """
    rows = Profiles(engine).rows(window.baseline.model, window.baseline.version, window.since, window.until)
    hours = [hour for hour, count in rows.items() if count]
    if not hours:
        return replace(window, since=window.until)
    until = min(max(hours) + HOUR, window.until)
    days = math.floor((until - min(hours)) / DAY + QUIET_NIGHT)
    return replace(window, since=max(until - days * DAY, window.since), until=until)
