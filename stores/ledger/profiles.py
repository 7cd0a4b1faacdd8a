"""Counts of what was served, by version and hour: each replica's part, and the hours that were counted from the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, insert, select, update

from lifecycle.profile import Profile
from stores.hours import Hour
from stores.ledger.packed_counts import add_up, pack
from stores.ledger.watching_schema import profiles

FROM_LOG = "log"
"""The part of an hour that was counted from the prediction log, or whose parts were put together: all of the hour."""


@dataclass(frozen=True)
class HourPart:
    """What one replica counted in an hour; `part` names it, and nothing else that was ever counted."""

    hour: Hour
    part: str
    profile: Profile


class Profiles:
    """The counts of every version's hours. The parts of an hour add up."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, parts: Sequence[HourPart], counted_at: datetime) -> frozenset[str]:
        """Store parts, each in place of what it was before, and return the names of those that were not taken.

        Those are of hours that were counted from the log meanwhile: which of a part's rows that has seen, nobody
        knows, and too few rows are better than some twice. The hour is compared with the log again.
        """
        with self._engine.begin() as connection:
            return frozenset(part.part for part in parts if not _kept(connection, part, counted_at))

    def rows(self, model: str, version: str, since: datetime, until: datetime) -> Mapping[datetime, int]:
        """Return how many rows are counted in each hour that begins in [since, until)."""
        counted = select(profiles.c.hour_at, func.sum(profiles.c.rows)).where(*_span(model, version, since, until))
        with self._engine.connect() as connection:
            return {at: int(rows) for at, rows in connection.execute(counted.group_by(profiles.c.hour_at))}

    def total(self, model: str, version: str, baseline: Profile, since: datetime, until: datetime) -> Profile:
        """Return the counts of all hours that begin in [since, until), on the baseline's bins."""
        found = select(profiles.c.counts).where(*_span(model, version, since, until))
        with self._engine.connect() as connection:
            packed = connection.scalars(found).all()
        return add_up(baseline, packed)

    def replace(self, hour: Hour, profile: Profile, counted_at: datetime) -> None:
        """Put an hour counted from the log in place of all its parts.

        Raises IntegrityError when another process does so at the same moment.
        """
        with self._engine.begin() as connection:
            _put_whole(connection, hour, profile, counted_at)

    def put_together(self, model: str, version: str, baseline: Profile, before: datetime) -> int:
        """Merge the parts of each hour that begins before a moment into one; return how many hours had several."""
        mine = (profiles.c.model == model, profiles.c.version == version, profiles.c.hour_at < before)
        several = select(profiles.c.hour_at).where(*mine).group_by(profiles.c.hour_at).having(func.count() > 1)
        with self._engine.connect() as connection:
            hours = [Hour(model, version, at) for at in connection.scalars(several)]
        for hour in hours:
            with self._engine.begin() as connection:
                found = connection.execute(select(profiles).where(_of(hour))).all()
                whole = add_up(baseline, (row.counts for row in found))
                _put_whole(connection, hour, whole, max(row.counted_at for row in found))
        return len(hours)


def _kept(connection: Connection, part: HourPart, counted_at: datetime) -> bool:
    whole = select(profiles.c.part).where(_of(part.hour), profiles.c.part == FROM_LOG)
    if connection.execute(whole).first() is not None:
        return False
    values = {"rows": part.profile.rows, "counts": pack(part.profile), "counted_at": counted_at}
    mine = update(profiles).where(_of(part.hour), profiles.c.part == part.part)
    # An update first, because a commit whose answer was lost is tried again.
    if not connection.execute(mine.values(values)).rowcount:
        connection.execute(insert(profiles).values(_key(part.hour, part.part) | values))
    return True


def _put_whole(connection: Connection, hour: Hour, profile: Profile, counted_at: datetime) -> None:
    connection.execute(delete(profiles).where(_of(hour)))
    values = {"rows": profile.rows, "counts": pack(profile), "counted_at": counted_at}
    connection.execute(insert(profiles).values(_key(hour, FROM_LOG) | values))


def _key(hour: Hour, part: str) -> dict[str, object]:
    return {"model": hour.model, "version": hour.version, "hour_at": hour.hour_at, "part": part}


def _of(hour: Hour) -> ColumnElement[bool]:
    return and_(profiles.c.model == hour.model, profiles.c.version == hour.version, profiles.c.hour_at == hour.hour_at)


def _span(model: str, version: str, since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    mine = (profiles.c.model == model, profiles.c.version == version)
    return (*mine, profiles.c.hour_at >= since, profiles.c.hour_at < until)
