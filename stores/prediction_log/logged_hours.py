"""What the prediction log holds of one version, hour by hour, of the rows that count."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import pairwise

from lifecycle.profile import Profile, merge
from stores.prediction_log.counting import COLUMNS, COUNTABLE, count_logged
from stores.prediction_log.table import PredictionLog

HOUR = timedelta(hours=1)
ROWS_AT_ONCE = 100_000
"""About so many are in memory at a time."""

PER_HOUR = f"""
SELECT date_trunc('hour', moment_at) AS hour_at, count(*) AS rows, max(served_at) AS served_at
FROM predictions
WHERE model = ? AND version = ? AND moment_at >= ? AND moment_at < ? AND {COUNTABLE}
GROUP BY hour_at ORDER BY hour_at
"""  # noqa: S608 - no text but our own, as below
EARLIEST = f"""
SELECT min(moment_at) AS moment_at FROM predictions
WHERE model = ? AND version = ? AND moment_at >= ? AND moment_at < ? AND {COUNTABLE} AND served_at >= ?
"""  # noqa: S608
ROWS = f"""
SELECT {", ".join(COLUMNS)} FROM predictions
WHERE model = ? AND version = ? AND moment_at >= ? AND moment_at < ? AND {COUNTABLE}
"""  # noqa: S608


@dataclass(frozen=True)
class LoggedHour:
    """How many rows of an hour count, and when the last of them was served."""

    hour_at: datetime
    rows: int
    served_at: datetime


@dataclass(frozen=True)
class LoggedHours:
    """One version's shipped rows by the hour of their moment; `vector` names its features in order."""

    prediction_log: PredictionLog
    model: str
    version: str
    vector: tuple[str, ...]

    def between(self, since: datetime, until: datetime) -> tuple[LoggedHour, ...]:
        """Return the hours in [since, until) that have rows, in order."""
        found = self.prediction_log.query(PER_HOUR, self._asked(since, until))
        return tuple(LoggedHour(row["hour_at"].astimezone(UTC), row["rows"], row["served_at"]) for row in found)

    def earliest(self, since: datetime, until: datetime, served_since: datetime) -> datetime | None:
        """Return the earliest hour in [since, until) of which rows were served since then, None without any."""
        (found,) = self.prediction_log.query(EARLIEST, (*self._asked(since, until), served_since))
        moment: datetime | None = found["moment_at"]
        return None if moment is None else moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)

    def counts(self, hour: LoggedHour, baseline: Profile) -> Profile:
        """Return the counts of all rows of an hour on a baseline's bins, read in parts where there are many."""
        parts = max(1, -(-hour.rows // ROWS_AT_ONCE))
        edges = [hour.hour_at + part * HOUR / parts for part in range(parts + 1)]
        return reduce(merge, (self._counts(*span, baseline) for span in pairwise(edges)))

    def _counts(self, since: datetime, until: datetime, baseline: Profile) -> Profile:
        rows = self.prediction_log.query_table(ROWS, self._asked(since, until))
        return count_logged(rows, baseline, self.vector)

    def _asked(self, since: datetime, until: datetime) -> tuple[object, ...]:
        return (self.model, self.version, since, until, len(self.vector))
