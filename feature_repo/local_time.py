"""A place's wall clock for many moments at once, daylight saving included, without pandas."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

FIRST_YEAR = 1990
LAST_YEAR = 2060
STEP = timedelta(days=7)


def local_seconds(epoch: np.ndarray, zone: str) -> np.ndarray:
    """Return wall-clock seconds since 1970-01-01 00:00 local, (n,) int64, for epoch seconds (n,).

    Right from 1990 to 2060; outside, the nearest known offset is used.
    """
    changes, offsets = _offsets(zone)
    moments = epoch.astype(np.int64)
    local: np.ndarray = moments + offsets[np.searchsorted(changes, moments, side="right")]
    return local


@cache
def _offsets(zone: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the moments at which a zone's UTC offset changes, and the offsets before and after each."""
    place = ZoneInfo(zone)
    moment = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    end = datetime(LAST_YEAR, 1, 1, tzinfo=UTC)
    changes: list[int] = []
    offsets = [_offset(moment, place)]
    while moment < end:
        if _offset(moment + STEP, place) != offsets[-1]:
            changed = _change_between(moment, moment + STEP, place)
            changes.append(int(changed.timestamp()))
            offsets.append(_offset(changed, place))
        moment += STEP
    return np.array(changes, dtype=np.int64), np.array(offsets, dtype=np.int64)


def _change_between(low: datetime, high: datetime, place: ZoneInfo) -> datetime:
    before = _offset(low, place)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (middle, high) if _offset(middle, place) == before else (low, middle)
    return high


def _offset(moment: datetime, place: ZoneInfo) -> int:
    offset = moment.astimezone(place).utcoffset()
    if offset is None:
        raise ValueError(f"{place.key} gives no UTC offset at {moment}")
    return int(offset.total_seconds())
